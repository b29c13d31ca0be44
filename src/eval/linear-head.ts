import { scope, step } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import type { Encoder } from "../models/encoder.js";
import { contiguous, copyStrided } from "../ops/layout.js";
import { linear } from "../ops/linear.js";
import { globalAvgPool } from "../ops/pool.js";
import { empty } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { bestClasses, type Recognizer } from "./robustness.js";

/** A linear classifier of frozen features and what it reads. */
export interface LinearHead {
  /** [classes, features] */
  readonly weight: Tensor;
  /** [classes] */
  readonly bias: Tensor;
  /** Blocks or stages, counted from 0, whose class features are joined. */
  readonly positions: readonly number[];
  /** Whether the mean of the last one's patch features stands behind them. */
  readonly pooled: boolean;
}

/**
 * An encoder whose features a linear classifier decides about (spec §7.2).
 *
 * @throws ShapeError when it is used on an encoder without those layers
 */
export function linearRecognizer(encoder: Encoder, { weight, bias, positions, pooled }: LinearHead): Recognizer {
  return {
    form: encoder.spec,
    featuresOf: (images) =>
      step(() =>
        scope(() => {
          const taken = encoder.backbone.intermediate(images, positions);
          if (taken.length !== positions.length) {
            throw new ShapeError(
              `linear head: layers ${positions.join(", ")} are wanted, the network has ${taken.length} of them.`,
            );
          }
          const parts = taken.map(({ classToken }) => classToken);
          return joined(pooled ? [...parts, patchMean(taken[taken.length - 1].patchTokens)] : parts);
        }),
      ),
    classifier: {
      predict: (features) =>
        bestClasses(
          step(() => linear(features, weight, bias).toArray()),
          bias.numel,
        ),
    },
  };
}

/** Rows beside one another: [B, F1], [B, F2], … as [B, F1 + F2 + …]. */
function joined(parts: readonly Tensor[]): Tensor {
  const rows = empty([parts[0].shape[0], parts.reduce((sum, { shape }) => sum + shape[1], 0)]);
  let first = 0;
  for (const part of parts) {
    copyStrided(part.shape, part, rows.narrow(1, first, part.shape[1]), 0);
    first += part.shape[1];
  }
  return rows;
}

/** The mean of patch features [B, N, F] over the patches. */
function patchMean(patches: Tensor): Tensor {
  const [batch, count, width] = patches.shape;
  return globalAvgPool(contiguous(patches).reshape([batch, 1, count, width]));
}
