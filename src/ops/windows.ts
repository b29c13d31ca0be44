import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import { formatShape, type Shape, sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectContiguous, expectDType } from "./check.js";
import { imagesOf } from "./window.js";
import type { WindowLayout } from "./window-layout.js";

/**
 * The cells of maps in the order of the windows that lie over them; cells of windows beyond the map are zero.
 *
 * @param x       [B, H, W, C]; a slice of channels is read in place
 * @param layout  of maps of this height and width
 * @returns [B·windows, window², C], the windows of one map one after the other
 * @throws ShapeError if the layout is of another size, or the cells of x are not evenly spaced; DTypeError
 */
export function partitionWindows(x: Tensor, layout: WindowLayout): Tensor {
  expectDType("partitionWindows", { x }, "f32");
  const { batch, height, width, channels, pixel } = imagesOf("partitionWindows", x);
  expectMap("partitionWindows", x, layout, [batch, layout.height, layout.width, channels]);
  const cells = layout.window * layout.window;
  const y = empty([batch * layout.windows, cells, channels]);
  const { toWindows: index, toMap: inverse } = layout;
  return moveRows("partitionWindows", x, y, { from: height * width, ld: pixel, index, inverse });
}

/**
 * The opposite of `partitionWindows`: maps out of their windows, without the cells beyond the map.
 *
 * @param x       [B·windows, window², C], contiguous
 * @param layout  of the maps
 * @returns [B, H, W, C]
 * @throws ShapeError if x does not fit the layout or is a strided view; DTypeError
 */
export function joinWindows(x: Tensor, layout: WindowLayout): Tensor {
  expectDType("joinWindows", { x }, "f32");
  const { windows, window, height, width, toMap: index, toWindows: inverse } = layout;
  const cells = window * window;
  const [count, , channels] = x.shape;
  expectMap("joinWindows", x, layout, [Math.floor(count / windows) * windows, cells, channels]);
  expectContiguous("joinWindows", { x });
  const y = empty([count / windows, height, width, channels]);
  return moveRows("joinWindows", x, y, { from: windows * cells, ld: channels, index, inverse });
}

/**
 * The 2×2 neighbours of each other cell side by side, in the order (0, 0), (0, 1), (1, 0), (1, 1) of rows and columns: the
 * first part of patch merging. A map of odd height or width is filled up with zeros.
 *
 * @param x  [B, H, W, C] with H, W ≥ 1; a slice of channels is read in place
 * @returns [B, ⌈H/2⌉, ⌈W/2⌉, 4·C]
 * @throws ShapeError if a map is empty, or the cells of x are not evenly spaced; DTypeError
 */
export function mergePatches(x: Tensor): Tensor {
  expectDType("mergePatches", { x }, "f32");
  const { batch, height, width, channels, pixel } = imagesOf("mergePatches", x);
  if (height * width === 0)
    throw new ShapeError(`mergePatches: the maps of ${formatShape(x.shape)} are empty, expected at least one cell.`);
  const { rows, columns, index, inverse } = mergingOrder(height, width);
  const y = empty([batch, rows, columns, 4 * channels]);
  return moveRows("mergePatches", x, y, {
    from: height * width,
    ld: pixel,
    index: fromArray(index, [index.length], "i32"),
    inverse: fromArray(inverse, [inverse.length], "i32"),
  });
}

/**
 * Where the cells of a map go when each 2×2 of them becomes one.
 *
 * @param height  cells of the map; `width` likewise
 * @returns size of the new map; for each neighbour of each of its cells the old cell, −1 beyond the map; the inverse of that
 */
export function mergingOrder(height: number, width: number) {
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const index = new Int32Array(4 * rows * columns);
  const inverse = new Int32Array(height * width);
  for (let i = 0; i < index.length; i++) {
    const [cell, neighbour] = [i >> 2, i & 3];
    const y = 2 * Math.floor(cell / columns) + (neighbour >> 1);
    const x = 2 * (cell % columns) + (neighbour & 1);
    index[i] = y < height && x < width ? y * width + x : -1;
    if (index[i] >= 0) inverse[index[i]] = i;
  }
  return { rows, columns, index, inverse };
}

interface Move {
  /** Rows of each item of x. */
  readonly from: number;
  /** Elements from one row of x to the next. */
  readonly ld: number;
  /** Row of x for each row of an item of y, −1 for zeros; no row of x twice. */
  readonly index: Tensor;
  /** Row of y for each row of an item of x. */
  readonly inverse: Tensor;
}

/** y = the rows of x, item by item, in another order; y is dense. */
function moveRows(op: string, x: Tensor, y: Tensor, { from, ld, index, inverse }: Move): Tensor {
  const cols = x.shape[x.shape.length - 1];
  const [rows, to] = [x.numel / Math.max(cols, 1), index.numel];
  const moved = (rows / from) * to;
  kernels.move_rows_f32(moved, cols, x.ptr, ld, from, index.ptr, to, 0, y.ptr, cols);
  return record(op, y, [x], () => {
    const dy = gradOf(y);
    const dx = gradTarget(x);
    // Each row of x is in one place, so the gradient is the same move back.
    if (dx) kernels.move_rows_f32(rows, cols, dy, cols, to, inverse.ptr, from, dx.beta, dx.ptr, ld);
  });
}

/** @throws ShapeError */
function expectMap(op: string, x: Tensor, { height, width, window }: WindowLayout, shape: Shape): void {
  if (sameShape(x.shape, shape)) return;
  throw new ShapeError(
    `${op}: x is ${formatShape(x.shape)}, which does not fit a layout of ${height}x${width} cells in windows of ${window}.`,
  );
}
