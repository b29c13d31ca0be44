import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import { formatShape, numelOf } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";

/**
 * y[i] = x[index[i]], x seen as rows of its last axis in row-major order. The gradient of a row that several i name is the
 * sum of theirs.
 *
 * @param x      [..., C]; leading axes may be spaced unevenly, as in tokens.narrow(1, 1, N)
 * @param index  row numbers over all leading axes; a tensor is i32 of rank 1
 * @returns [index.length, C]
 * @throws ShapeError for an index outside x, or rows of x that are no common multiple apart; DTypeError
 */
export function gatherRows(x: Tensor, index: Int32Array | Tensor): Tensor {
  expectDType("gatherRows", { x }, "f32");
  if (index instanceof Tensor) expectDType("gatherRows", { index }, "i32");
  const { rows, cols, ld, place } = spacedRows(x);
  const wanted = index instanceof Tensor ? index.toArray() : index;
  const placed = new Int32Array(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const row = wanted[i];
    if (!(row >= 0 && row < rows)) {
      throw new ShapeError(`gatherRows: index[${i}] is ${row}, outside the ${rows} rows of x ${formatShape(x.shape)}.`);
    }
    placed[i] = place(row);
  }
  const at = fromArray(placed, [placed.length], "i32");
  const y = empty([placed.length, cols]);
  kernels.gather_rows_f32(placed.length, cols, x.ptr, ld, at.ptr, y.ptr, cols);
  return record("gatherRows", y, [x], () => {
    const dx = gradTarget(x);
    if (!dx) return;
    if (dx.beta === 0) kernels.fill_f32(x.numel, 0, dx.ptr); // beta 0 means that x is dense and whole
    kernels.scatter_add_rows_f32(cols, placed.length, gradOf(y), cols, at.ptr, dx.ptr, ld);
  });
}

interface SpacedRows {
  rows: number;
  cols: number;
  ld: number;
  /** Distance of a row from the first, in units of ld. */
  place: (row: number) => number;
}

function spacedRows(x: Tensor): SpacedRows {
  const cols = x.shape.at(-1) ?? 1;
  const axes = x.shape.slice(0, -1).map((size, i) => ({ size, stride: x.strides[i] }));
  const ld = axes.findLast(({ size }) => size > 1)?.stride ?? cols;
  const unit = cols === 1 || x.strides.at(-1) === 1;
  if (!unit || axes.some(({ size, stride }) => size > 1 && stride % ld !== 0)) {
    throw new ShapeError(
      `gatherRows: the rows of x ${formatShape(x.shape)} with strides ${formatShape(x.strides)} have no common spacing. Pass contiguous(x).`,
    );
  }
  const place = (row: number) => {
    let steps = 0;
    for (let i = axes.length - 1; i >= 0; i--) {
      const { size, stride } = axes[i];
      if (size > 1) steps += (row % size) * (stride / ld);
      row = Math.floor(row / size);
    }
    return steps;
  };
  return { rows: numelOf(x.shape.slice(0, -1)), cols, ld, place };
}
