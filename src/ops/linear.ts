import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";
import { int8Of, int8Product } from "./int8.js";
import { product } from "./product.js";

/** The part of a weight that one strided product covers: `out` rows and `in` columns, at offsets in elements. */
interface Block {
  readonly out: number;
  readonly in: number;
  /** Elements from one row of the weight to the next. */
  readonly ld: number;
  readonly weightOffset: number;
  readonly biasOffset: number;
  /** First column of y and of x that it connects. */
  readonly outFrom: number;
  readonly inFrom: number;
}

/** Rescaling of the input, and whether outputs or inputs come in groups. */
export interface LinearOptions {
  /** α, dimensionless; scales the product, not the bias. Default 1. */
  inputScale?: number;
  /** Which axis the groups of a three-axis weight belong to. Default "outputs". */
  groups?: "outputs" | "inputs";
}

/**
 * y = α·x·Wᵀ + b over the last axis of x.
 *
 * A slice of a layer whose channels come in groups keeps a range of each group: W is then a view [g, out, in], whose groups
 * stand one after the other in y (query, key and value), or with `groups: "inputs"` a view [out, g, in], whose groups stand
 * one after the other in x (patch merging).
 *
 * @param x  inputs [..., in] or [..., g·in]; leading axes in any arrangement with evenly spaced rows
 * @param weight  W [out, in], [g, out, in] or [out, g, in]; a view with unit stride along its last axis
 * @param bias  b [out] or [g, out], or null
 * @returns y [..., out] or [..., g·out]
 * @throws ShapeError if the sizes do not fit, or a view's rows are not evenly spaced
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null, options: LinearOptions = {}): Tensor {
  const { inputScale: alpha = 1, groups = "outputs" } = options;
  expectDType("linear", { x, weight, bias }, "f32");
  const { rows, cols, ld } = rowsOf("linear", x);
  const blocks = weightBlocks(weight, bias, groups);
  const last = blocks[blocks.length - 1];
  const [features, width] = [last.inFrom + last.in, last.outFrom + last.out];
  if (cols !== features) {
    throw new ShapeError(
      `linear: x has ${cols} features (${formatShape(x.shape)}) but weight expects ${features} (${formatShape(weight.shape)}). ` +
        "Was the input sliced to the same width?",
    );
  }
  const y = empty([...x.shape.slice(0, -1), width]);
  const int8 = blocks.length === 1 && alpha === 1 ? int8Of(x, weight) : null;
  if (int8) {
    const bias8 = bias ? bias.ptr : 0;
    int8Product({ m: rows, n: width, k: cols, a: x.ptr, aRow: ld, weight: int8, bias: bias8, c: y.ptr, ldc: width });
    return y;
  }
  const call: Call = { x, weight, bias, alpha, blocks, rows, ldx: ld, width };
  forward(call, y.ptr);
  return record("linear", y, [x, weight, bias], () => {
    const dy = gradOf(y);
    inputGradient(call, dy);
    weightGradient(call, dy);
    biasGradient(call, dy);
  });
}

/** What the forward and the backward products share. */
interface Call {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly alpha: number;
  readonly blocks: readonly Block[];
  readonly rows: number;
  readonly ldx: number;
  /** Columns of y. */
  readonly width: number;
}

/** y = α·x·Wᵀ + b */
function forward({ x, weight, bias, alpha, blocks, rows, ldx, width }: Call, y: number): void {
  for (const block of blocks) {
    const first = block.inFrom === 0;
    product({
      m: rows,
      n: block.out,
      k: block.in,
      alpha,
      a: x.ptr + 4 * block.inFrom,
      aRow: ldx,
      aCol: 1,
      b: weight.ptr + 4 * block.weightOffset,
      bRow: 1,
      bCol: block.ld,
      bias: bias && first ? bias.ptr + 4 * block.biasOffset : 0,
      beta: first ? 0 : 1,
      c: y + 4 * block.outFrom,
      ldc: width,
    });
  }
}

/** dx = α·dy·W */
function inputGradient({ x, weight, alpha, blocks, rows, ldx, width }: Call, dy: number): void {
  const dx = gradTarget(x);
  if (!dx) return;
  for (const block of blocks) {
    product({
      m: rows,
      n: block.in,
      k: block.out,
      alpha,
      a: dy + 4 * block.outFrom,
      aRow: width,
      aCol: 1,
      b: weight.ptr + 4 * block.weightOffset,
      bRow: block.ld,
      bCol: 1,
      beta: block.outFrom === 0 ? dx.beta : 1,
      c: dx.ptr + 4 * block.inFrom,
      ldc: ldx,
    });
  }
}

/** dW = α·dyᵀ·x, each block into its place in the gradient of the full weight */
function weightGradient({ x, weight, alpha, blocks, rows, ldx, width }: Call, dy: number): void {
  const dw = gradTarget(weight);
  if (!dw) return;
  for (const block of blocks) {
    product({
      m: block.out,
      n: block.in,
      k: rows,
      alpha,
      a: dy + 4 * block.outFrom,
      aRow: 1,
      aCol: width,
      b: x.ptr + 4 * block.inFrom,
      bRow: ldx,
      bCol: 1,
      beta: dw.beta,
      c: dw.ptr + 4 * block.weightOffset,
      ldc: block.ld,
    });
  }
}

/** db = Σ dy over rows */
function biasGradient({ bias, blocks, rows, width }: Call, dy: number): void {
  const db = gradTarget(bias);
  if (!db) return;
  for (const { out, outFrom, inFrom, biasOffset } of blocks) {
    if (inFrom > 0) continue;
    kernels.column_sum_f32(out, rows, dy + 4 * outFrom, width, db.beta, db.ptr + 4 * biasOffset);
  }
}

/** One block for a dense weight, else one per group. */
function weightBlocks(weight: Tensor, bias: Tensor | null, groups: "outputs" | "inputs"): Block[] {
  const { shape, strides } = weight;
  const grouped = shape.length === 3;
  if (!grouped && shape.length !== 2) {
    throw new ShapeError(`linear: weight is ${formatShape(shape)}, expected [out, in], [g, out, in] or [out, g, in].`);
  }
  const byOutput = grouped && groups === "outputs";
  const group = byOutput ? 0 : shape.length - 2;
  const row = byOutput ? 1 : 0;
  const [count, out, width] = [grouped ? shape[group] : 1, shape[row], shape[shape.length - 1]];
  const ld = strides[row];
  if (bias) expectShape("linear", "bias", bias, byOutput ? [count, out] : [out]);
  expectUnitStride("weight", weight);
  if (bias) expectUnitStride("bias", bias);

  const block = { out, in: width, ld, weightOffset: 0, biasOffset: 0, outFrom: 0, inFrom: 0 };
  if (byOutput && strides[0] === out * ld && (bias?.contiguous ?? true)) return [{ ...block, out: count * out }];
  if (grouped && !byOutput && strides[1] === width) return [{ ...block, in: count * width }];
  return Array.from({ length: count }, (_, g) => ({
    ...block,
    weightOffset: g * strides[group],
    biasOffset: byOutput && bias ? g * bias.strides[0] : 0,
    outFrom: byOutput ? g * out : 0,
    inFrom: byOutput ? 0 : g * width,
  }));
}

function expectUnitStride(name: string, { shape, strides }: Tensor): void {
  const last = shape.length - 1;
  if (shape[last] === 1 || strides[last] === 1) return;
  throw new ShapeError(
    `linear: the rows of ${name} ${formatShape(shape)} with strides ${formatShape(strides)} have no unit stride. Pass contiguous(${name}).`,
  );
}
