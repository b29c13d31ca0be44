import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";

/**
 * The rows of all parts, one part after the other.
 *
 * @param parts  at least one, each [..., C] with evenly spaced rows, such as x.narrow(-1, 0, C) or x.select(1, 0)
 * @returns [sum of rows, C]
 * @throws ShapeError if there is no part, or parts differ in C
 */
export function concatRows(parts: readonly Tensor[]): Tensor {
  if (parts.length === 0) throw new ShapeError("concatRows: no parts, expected at least one.");
  for (const [i, part] of parts.entries()) expectDType("concatRows", { [`parts[${i}]`]: part }, "f32");
  const matrices = parts.map((part) => rowsOf("concatRows", part));
  const { cols } = matrices[0];
  const other = matrices.findIndex((matrix) => matrix.cols !== cols);
  if (other >= 0) {
    throw new ShapeError(
      `concatRows: parts[${other}] has ${matrices[other].cols} columns (${formatShape(parts[other].shape)}) but parts[0] has ${cols} (${formatShape(parts[0].shape)}).`,
    );
  }
  const y = empty([matrices.reduce((sum, { rows }) => sum + rows, 0), cols]);
  let row = 0;
  const starts = matrices.map(({ rows }) => {
    const start = row;
    row += rows;
    return start;
  });
  matrices.forEach(({ rows, ld }, i) => {
    kernels.copy_f32(rows, 1, 1, cols, parts[i].ptr, ld, 0, 0, 1, 0, y.ptr + 4 * starts[i] * cols, cols, 0, 0, 1);
  });
  return record("concatRows", y, parts, () => {
    matrices.forEach(({ rows, ld }, i) => {
      const dx = gradTarget(parts[i]);
      if (!dx) return;
      kernels.copy_f32(rows, 1, 1, cols, gradOf(y) + 4 * starts[i] * cols, cols, 0, 0, 1, dx.beta, dx.ptr, ld, 0, 0, 1);
    });
  });
}

/**
 * The columns of all parts side by side: maps [B, H, W, C1], [B, H, W, C2], … to [B, H, W, C1 + C2 + …].
 *
 * @param parts  at least one, alike in all axes but the last, each with evenly spaced rows, such as x.narrow(-1, 0, C)
 * @returns [..., sum of columns]
 * @throws ShapeError if there is no part, or parts differ in a leading axis
 */
export function concatColumns(parts: readonly Tensor[]): Tensor {
  if (parts.length === 0) throw new ShapeError("concatColumns: no parts, expected at least one.");
  for (const [i, part] of parts.entries()) expectDType("concatColumns", { [`parts[${i}]`]: part }, "f32");
  const matrices = parts.map((part) => rowsOf("concatColumns", part));
  const lead = parts[0].shape.slice(0, -1);
  const other = parts.findIndex(({ shape }) => formatShape(shape.slice(0, -1)) !== formatShape(lead));
  if (other >= 0) {
    throw new ShapeError(
      `concatColumns: parts[${other}] is ${formatShape(parts[other].shape)} but parts[0] is ${formatShape(parts[0].shape)}; all axes but the last must agree.`,
    );
  }
  const width = matrices.reduce((sum, { cols }) => sum + cols, 0);
  const y = empty([...lead, width]);
  let column = 0;
  const starts = matrices.map(({ cols }) => {
    const start = column;
    column += cols;
    return start;
  });
  matrices.forEach(({ rows, cols, ld }, i) => {
    kernels.copy_f32(rows, 1, 1, cols, parts[i].ptr, ld, 0, 0, 1, 0, y.ptr + 4 * starts[i], width, 0, 0, 1);
  });
  return record("concatColumns", y, parts, () => {
    matrices.forEach(({ rows, cols, ld }, i) => {
      const dx = gradTarget(parts[i]);
      if (!dx) return;
      kernels.copy_f32(rows, 1, 1, cols, gradOf(y) + 4 * starts[i], width, 0, 0, 1, dx.beta, dx.ptr, ld, 0, 0, 1);
    });
  });
}
