import { ConfigError, ShapeError } from "../errors.js";
import { formatShape, type Rows, rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * A tensor as rows along its last axis for a kernel that reduces each row, which must hold at least one number.
 *
 * @param op  the operation, for the message
 * @throws ShapeError if rows are empty or not evenly spaced
 */
export function filledRows(op: string, x: Tensor): Rows {
  const matrix = rowsOf(op, x);
  if (matrix.cols === 0) {
    throw new ShapeError(`${op}: the rows of ${formatShape(x.shape)} are empty, expected at least one column.`);
  }
  return matrix;
}

/** @throws ConfigError unless τ is a finite number above 0 */
export function expectTemperature(op: string, temperature: number): void {
  if (temperature > 0 && Number.isFinite(temperature)) return;
  throw new ConfigError(`${op}: temperature is ${temperature}, expected a finite number above 0.`);
}
