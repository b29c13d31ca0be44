import { ShapeError } from "../errors.js";
import { contiguous, copyStrided } from "../ops/layout.js";
import { globalAvgPool } from "../ops/pool.js";
import { empty } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Backbone } from "./backbone.js";

/** What a linear classifier of frozen features reads. */
export interface LinearInput {
  /** Blocks or stages, counted from 0, whose class features are joined. */
  readonly positions: readonly number[];
  /** Whether the mean of the last one's patch features stands behind them. */
  readonly pooled: boolean;
}

/** A linear classifier of frozen features. */
export interface LinearHead extends LinearInput {
  /** [classes, features] */
  readonly weight: Tensor;
  /** [classes] */
  readonly bias: Tensor;
}

/**
 * The features [B, F] of normalised images [B, C, S, S] that a linear classifier reads (spec §7.2).
 *
 * @throws ShapeError if the network lacks one of those layers
 */
export function linearFeatures(backbone: Backbone, images: Tensor, { positions, pooled }: LinearInput): Tensor {
  const taken = backbone.intermediate(images, positions);
  if (taken.length !== positions.length) {
    throw new ShapeError(
      `linear head: layers ${positions.join(", ")} are wanted, the network has ${taken.length} of them.`,
    );
  }
  const parts = taken.map(({ classToken }) => classToken);
  return joined(pooled ? [...parts, patchMean(taken[taken.length - 1].patchTokens)] : parts);
}

/** The class of the best score in each row of [B · classes], the lower one of two equal ones. */
export function bestClasses(scores: ArrayLike<number>, classes: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    let best = row * classes;
    for (let i = best + 1; i < (row + 1) * classes; i++) if (scores[i] > scores[best]) best = i;
    return best - row * classes;
  });
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
