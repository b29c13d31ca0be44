import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import { formatShape, rowsOf } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import { mean } from "./reduce.js";

/**
 * Mean over rows of −log(‖z_i − z_n(i) + ε‖ + ε), the first ε added to each component (spec §4.5). The gradient flows to both
 * z_i and z_n(i); the choice of n carries none.
 *
 * @param z  [R, C], R ≥ 1
 * @param neighbours  n: a row of z for each row; a tensor is i32, [R] or [R, 1]
 * @param options.eps  ε ≥ 0; default 1e-8
 * @returns a scalar
 * @throws ShapeError for another number of neighbours, or one outside z; DTypeError
 */
export function logDistance(z: Tensor, neighbours: Int32Array | Tensor, { eps = 1e-8 }: { eps?: number } = {}): Tensor {
  expectDType("logDistance", { z }, "f32");
  if (neighbours instanceof Tensor) expectDType("logDistance", { neighbours }, "i32");
  const { rows, cols, ld } = rowsOf("logDistance", z);
  const chosen = Int32Array.from(neighbours instanceof Tensor ? neighbours.toArray() : neighbours);
  if (chosen.length !== rows) {
    throw new ShapeError(`logDistance: ${chosen.length} neighbours for the ${rows} rows of z ${formatShape(z.shape)}.`);
  }
  const outside = chosen.find((row) => !(row >= 0 && row < rows));
  if (outside !== undefined) {
    throw new ShapeError(`logDistance: neighbour ${outside} is outside the ${rows} rows of z ${formatShape(z.shape)}.`);
  }
  const index = fromArray(chosen, [rows], "i32");
  const distance = empty([rows]);
  const y = empty([rows]);
  kernels.log_distance_f32(rows, cols, z.ptr, ld, index.ptr, eps, distance.ptr, y.ptr);
  record("logDistance", y, [z], () => {
    const dz = gradTarget(z);
    if (!dz) return;
    kernels.log_distance_grad_f32(cols, rows, z.ptr, ld, index.ptr, eps, distance.ptr, gradOf(y), dz.beta, dz.ptr);
  });
  return mean(y);
}
