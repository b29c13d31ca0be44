import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { emptyLike, fromArray } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";
import { passGradient } from "./elementwise.js";
import { contiguous } from "./layout.js";

/** What a branch is scaled by before it is added, and to which rows. */
export interface ResidualOptions {
  /** Layer scale γ [w]; absent = ones. */
  gamma?: Tensor | null;
  /** The samples for which the branch was computed, in the branch's order; absent = all. */
  rows?: Int32Array;
  /** Factor on the branch, one for all or one per sample of the batch; default 1, with `rows` B / rows.length. */
  scale?: number | Float32Array;
}

/**
 * y[b] = x[b] + scale[b] · γ ⊙ branch[b], and y[b] = x[b] for samples the branch was not computed for: the residual
 * connection of a block with layer scale (Touvron et al. 2021) and stochastic depth (Huang et al. 2016).
 *
 * @param x       [B, ..., w]
 * @param branch  [B, ..., w], or [rows.length, ..., w]
 * @returns [B, ..., w]
 * @throws ShapeError if branch, γ or a list does not fit, or `rows` names a sample twice or outside the batch; DTypeError
 */
export function residual(x: Tensor, branch: Tensor, { gamma = null, rows, scale }: ResidualOptions = {}): Tensor {
  expectDType("residual", { x, branch, gamma }, "f32");
  if (x.shape.length < 2) throw new ShapeError(`residual: x is ${formatShape(x.shape)}, expected [B, ..., w].`);
  const batch = x.shape[0];
  const width = x.shape[x.shape.length - 1];
  const subset = rows?.length ?? batch;
  expectShape("residual", "branch", branch, [subset, ...x.shape.slice(1)]);
  if (gamma) expectShape("residual", "gamma", gamma, [width]);
  const perSample = x.numel / Math.max(batch, 1);
  const factors = scaleList(scale ?? (subset > 0 ? batch / subset : 1), batch);
  const map = rows ? fromArray(inverse(rows, batch), [batch], "i32") : null;
  const index = rows ? fromArray(rows, [subset], "i32") : null;

  [x, branch] = [contiguous(x), contiguous(branch)];
  gamma = gamma && contiguous(gamma);
  const gammaPtr = gamma?.ptr ?? 0;
  const [mapPtr, indexPtr, scalePtr] = [map?.ptr ?? 0, index?.ptr ?? 0, factors?.ptr ?? 0];
  const y = emptyLike(x);
  kernels.residual_f32(batch, perSample, width, x.ptr, branch.ptr, gammaPtr, mapPtr, scalePtr, y.ptr);
  return record("residual", y, [x, branch, gamma], () => {
    const dy = gradOf(y);
    const db = gradTarget(branch);
    if (db)
      kernels.residual_grad_branch_f32(subset, perSample, width, dy, gammaPtr, indexPtr, scalePtr, db.beta, db.ptr);
    const dg = gradTarget(gamma);
    if (dg)
      kernels.residual_grad_gamma_f32(width, perSample, subset, dy, branch.ptr, indexPtr, scalePtr, dg.beta, dg.ptr);
    passGradient(x, y);
  });
}

/** One factor per sample, or null where all are 1. */
function scaleList(scale: number | Float32Array, batch: number): Tensor | null {
  if (scale === 1) return null;
  const list = typeof scale === "number" ? new Array<number>(batch).fill(scale) : scale;
  if (list.length !== batch) throw new ShapeError(`residual: scale has ${list.length} entries for ${batch} samples.`);
  return fromArray(list, [batch]);
}

/** For each sample its row in the branch, or −1. */
function inverse(rows: Int32Array, batch: number): Int32Array {
  const map = new Int32Array(batch).fill(-1);
  rows.forEach((sample, row) => {
    if (!(sample >= 0 && sample < batch))
      throw new ShapeError(`residual: rows[${row}] is ${sample}, outside the ${batch} samples of x.`);
    if (map[sample] >= 0)
      throw new ShapeError(`residual: rows names sample ${sample} twice; each may be computed once.`);
    map[sample] = row;
  });
  return map;
}
