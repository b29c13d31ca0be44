import { fromArray } from "../../tensor/create.js";
import { Rng } from "../../tensor/random.js";
import { numelOf, type Shape } from "../../tensor/shape.js";
import type { Tensor } from "../../tensor/tensor.js";

/** A persistent tensor of seeded numbers in [−1, 1). */
export function random(shape: Shape, seed = 0): Tensor {
  const rng = new Rng(seed);
  return fromArray(
    Float32Array.from({ length: numelOf(shape) }, () => rng.uniform(-1, 1)),
    shape,
  );
}

/** The same, with a gradient flowing to it. */
export function tracked(shape: Shape, seed = 0): Tensor {
  const x = random(shape, seed);
  x.storage.tracked = true;
  return x;
}
