import { gatherRows } from "../ops/gather.js";
import type { Rng } from "../tensor/random.js";
import { numelOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Which samples of a batch a residual branch is computed for, and the factor on it. */
export interface BranchSample {
  /** The samples computed, in this order; absent = all of them. */
  rows?: Int32Array;
  /** One factor for all computed samples, or one per sample of the batch. */
  scale?: number | Float32Array;
}

/** Draws anew for each residual branch of a forward pass; null leaves every branch whole. */
export type DropPath = ((batch: number, rate: number) => BranchSample) | null;

/** Each function that it returns gives the same draws from the first on, made when they are first asked for. */
export function repeatable(dropPath: DropPath): () => DropPath {
  if (!dropPath) return () => null;
  const drawn: BranchSample[] = [];
  return () => {
    let next = 0;
    return (batch, rate) => {
      const at = next++;
      drawn[at] ??= dropPath(batch, rate);
      return drawn[at];
    };
  };
}

/** Above this rate whole rows are left out of the computation; up to it they are only zeroed (as in DINOv2). */
const SUBSET_RATE = 0.1;

/**
 * Stochastic depth as the published ViT trains it (spec §5.5): above rate 0.1 a random subset of max(⌊B(1−r)⌋, 1) samples is
 * computed and added back with factor B/subset; up to 0.1 each sample is dropped on its own, kept ones divided by 1−r.
 */
export function stochasticDepth(rng: Rng): NonNullable<DropPath> {
  return (batch, rate) => {
    if (rate <= 0) return {};
    if (rate > SUBSET_RATE) {
      const subset = Math.max(Math.floor(batch * (1 - rate)), 1);
      return { rows: rng.permutation(batch).slice(0, subset), scale: batch / subset };
    }
    return perSample(rng, batch, rate);
  };
}

/**
 * Stochastic depth as the published Swin trains it (spec §5.5): each sample is dropped on its own at any rate r < 1, kept
 * ones divided by 1−r.
 */
export function dropPathPerSample(rng: Rng): NonNullable<DropPath> {
  return (batch, rate) => (rate <= 0 ? {} : perSample(rng, batch, rate));
}

function perSample(rng: Rng, batch: number, rate: number): BranchSample {
  const keep = 1 - rate;
  return { scale: Float32Array.from({ length: batch }, () => (rng.chance(keep) ? 1 / keep : 0)) };
}

/** The samples of x [B, ...] that a residual branch is computed for. */
export function sampled(x: Tensor, { rows }: BranchSample): Tensor {
  if (!rows) return x;
  const [batch, ...rest] = x.shape;
  return gatherRows(x.reshape([batch, numelOf(rest)]), rows).reshape([rows.length, ...rest]);
}
