import { gradOf, gradTarget, handOver } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty, emptyLike } from "../tensor/create.js";
import { rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType, expectShape } from "./check.js";
import { contiguous } from "./layout.js";

/**
 * dL/dx += dL/dy for a dense x of y's shape, without a copy where the buffer can change hands. The backward pass that calls
 * this must not read dL/dy afterwards.
 */
export function passGradient(x: Tensor, y: Tensor): void {
  if (handOver(x, y)) return;
  const dx = gradTarget(x);
  if (dx) kernels.scale_f32(x.numel, 1, gradOf(y), dx.beta, dx.ptr);
}

function densePair(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  expectDType(op, { a, b }, "f32");
  expectShape(op, "b", b, a.shape);
  return [contiguous(a), contiguous(b)];
}

/** y = a + b. Any two equal shapes. @throws ShapeError, DTypeError */
export function add(a: Tensor, b: Tensor): Tensor {
  [a, b] = densePair("add", a, b);
  const y = emptyLike(a);
  kernels.add_f32(a.numel, a.ptr, b.ptr, y.ptr);
  return record("add", y, [a, b], () => {
    const db = gradTarget(b);
    if (db) kernels.scale_f32(b.numel, 1, gradOf(y), db.beta, db.ptr);
    passGradient(a, y);
  });
}

/** y = a − b. Any two equal shapes. @throws ShapeError, DTypeError */
export function subtract(a: Tensor, b: Tensor): Tensor {
  [a, b] = densePair("subtract", a, b);
  const y = emptyLike(a);
  kernels.subtract_f32(a.numel, a.ptr, b.ptr, y.ptr);
  return record("subtract", y, [a, b], () => {
    const db = gradTarget(b);
    if (db) kernels.scale_f32(b.numel, -1, gradOf(y), db.beta, db.ptr);
    passGradient(a, y);
  });
}

/** y = a ⊙ b. Any two equal shapes. @throws ShapeError, DTypeError */
export function multiply(a: Tensor, b: Tensor): Tensor {
  [a, b] = densePair("multiply", a, b);
  const y = emptyLike(a);
  kernels.multiply_f32(a.numel, a.ptr, b.ptr, y.ptr);
  return record("multiply", y, [a, b], () => {
    const da = gradTarget(a);
    if (da) kernels.multiply_grad_f32(a.numel, gradOf(y), b.ptr, da.beta, da.ptr);
    const db = gradTarget(b);
    if (db) kernels.multiply_grad_f32(b.numel, gradOf(y), a.ptr, db.beta, db.ptr);
  });
}

/** y = factor · x. Any shape. @throws DTypeError */
export function scale(x: Tensor, factor: number): Tensor {
  expectDType("scale", { x }, "f32");
  x = contiguous(x);
  const y = emptyLike(x);
  kernels.scale_f32(x.numel, factor, x.ptr, 0, y.ptr);
  return record("scale", y, [x], () => {
    const dx = gradTarget(x);
    if (dx) kernels.scale_f32(x.numel, factor, gradOf(y), dx.beta, dx.ptr);
  });
}

/**
 * y[…, c] = x[…, c] + row[c]
 *
 * @param x    any rank from 1 on, last axis C
 * @param row  [C]
 * @throws ShapeError if row has another length, or the rows of x are not evenly spaced
 */
export function addRow(x: Tensor, row: Tensor): Tensor {
  expectDType("addRow", { x, row }, "f32");
  const { rows, cols, ld } = rowsOf("addRow", x);
  expectShape("addRow", "row", row, [cols]);
  row = contiguous(row);
  const y = empty(x.shape);
  kernels.add_row_f32(rows, cols, x.ptr, ld, row.ptr, y.ptr, cols);
  return record("addRow", y, [x, row], () => {
    const drow = gradTarget(row);
    if (drow) kernels.column_sum_f32(cols, rows, gradOf(y), cols, drow.beta, drow.ptr);
    if (x.contiguous) return passGradient(x, y);
    const dx = gradTarget(x);
    if (dx) kernels.copy_f32(rows, 1, 1, cols, gradOf(y), cols, 0, 0, 1, dx.beta, dx.ptr, ld, 0, 0, 1);
  });
}
