import { ShapeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { persistent } from "../tensor/create.js";
import { formatShape, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Values of a saved tensor in row-major order with its shape. */
export interface SavedTensor {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Zeros that outlive the running step. */
export function persistentZeros(shape: Shape): Tensor {
  const x = persistent(shape);
  kernels.fill_f32(x.numel, 0, x.ptr);
  return x;
}

/**
 * Copies saved values into an optimiser's tensors of the same names.
 *
 * @throws ShapeError listing every missing, unexpected and misshapen entry; nothing is changed then
 */
export function loadOptimizerState(
  optimizer: string,
  own: ReadonlyMap<string, Pick<Tensor, "shape" | "write">>,
  saved: ReadonlyMap<string, SavedTensor>,
): void {
  const problems = [...saved.keys()].filter((name) => !own.has(name)).map((name) => `unexpected ${name}`);
  for (const [name, x] of own) {
    const given = saved.get(name);
    if (!given) problems.push(`missing ${name}`);
    else if (formatShape(given.shape) !== formatShape(x.shape)) {
      problems.push(`${name} is ${formatShape(given.shape)}, expected ${formatShape(x.shape)}`);
    }
  }
  if (problems.length > 0) {
    throw new ShapeError(`${optimizer}: ${problems.join("; ")}. The state belongs to another model or other groups.`);
  }
  for (const [name, x] of own) x.write(saved.get(name)!.data);
}
