import { ShapeError } from "../errors.js";

/** Extents of the axes, outermost first. */
export type Shape = readonly number[];

/** Number of elements. */
export function numelOf(shape: Shape): number {
  let product = 1;
  for (let axis = 0; axis < shape.length; axis++) product *= shape[axis];
  return product;
}

/** Row-major strides in elements. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Whether elements lie densely in row-major order; the stride of an axis of size one does not matter, nor any if there is none. */
export function isDense(shape: Shape, strides: Shape): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Whether two shapes have the same sizes in the same order. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/** Text for messages: [8, 197, 384]. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * Strides with which a strided tensor is seen in another shape without a copy.
 *
 * @returns the strides, or null if the elements would have to move
 */
export function reshapedStrides(shape: Shape, strides: Shape, target: Shape): number[] | null {
  if (shape.includes(0)) return target.includes(0) ? denseStrides(target) : null;
  const from = shape.map((size, axis) => ({ size, stride: strides[axis] })).filter(({ size }) => size !== 1);
  const result = new Array<number>(target.length).fill(1);
  let axis = target.length - 1;
  let group = from.length - 1;
  while (group >= 0) {
    // A maximal run of old axes that lie densely behind one another may be cut anew.
    let runSize = from[group].size;
    let inner = from[group].stride;
    while (group > 0 && from[group - 1].stride === from[group].stride * from[group].size) {
      group--;
      runSize *= from[group].size;
    }
    group--;
    let covered = 1;
    while (covered < runSize && axis >= 0) {
      result[axis] = inner;
      inner *= target[axis];
      covered *= target[axis];
      axis--;
    }
    if (covered !== runSize) return null;
  }
  for (; axis >= 0; axis--) if (target[axis] !== 1) return null;
  return result;
}

/** A matrix of rows: unit stride along a row, one stride from row to row. */
export interface Rows {
  rows: number;
  cols: number;
  /** Elements from one row to the next. */
  ld: number;
}

/**
 * Sees a tensor as a matrix whose columns are its last axis.
 *
 * @param op  the operation, for the message
 * @throws ShapeError if the leading axes do not have one common stride
 */
export function rowsOf(op: string, { shape, strides }: { shape: Shape; strides: Shape }): Rows {
  if (shape.length === 0) throw new ShapeError(`${op}: expected at least one axis, got a scalar.`);
  const cols = shape[shape.length - 1];
  if (cols > 0 && isDense(shape, strides)) return { rows: numelOf(shape) / cols, cols, ld: cols };
  const lead = shape.slice(0, -1);
  const rows = numelOf(lead);
  if (rows === 0) return { rows, cols, ld: cols };
  const unit = cols <= 1 || strides[strides.length - 1] === 1;
  const collapsed = unit ? reshapedStrides(lead, strides.slice(0, -1), [rows]) : null;
  if (!collapsed) {
    throw new ShapeError(
      `${op}: the rows of ${formatShape(shape)} with strides ${formatShape(strides)} are not evenly spaced. Pass contiguous(x).`,
    );
  }
  return { rows, cols, ld: rows <= 1 ? cols : collapsed[0] };
}
