import * as assert from "uvu/assert";
import { backward, noGrad, record, step } from "../../src/autograd/tape.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { numelOf, type Shape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { seeded } from "./kernels.js";
import { noteGradient, watchBackward, watchChecked } from "./recorder.js";

/** Seeded numbers in [−1, 1). */
export function numbers(shape: Shape, seed: number): Float64Array {
  const next = seeded(seed);
  return Float64Array.from({ length: numelOf(shape) }, () => 2 * next() - 1);
}

/** A tracked tensor with seeded elements, outside any step. */
export function leaf(shape: Shape, seed: number): Tensor {
  const x = fromArray(numbers(shape, seed), shape);
  x.storage.tracked = true;
  return x;
}

/**
 * Proves that the backward pass of fn is its derivative: the gradient of Σ y ⊙ c, with a seeded cotangent c, against central
 * differences in double precision. Run `await initDouble()` before.
 *
 * @param fn  any composition of ops; may close over further constants
 * @param leaves  the tracked tensors it depends on
 * @param options.tolerance  relative error allowed; default 1e-6
 * @param options.samples  entries of each leaf that are probed; default 60
 */
export function gradcheck(
  fn: () => Tensor,
  leaves: readonly Tensor[],
  { tolerance = 1e-6, samples = 60, h = 1e-5 } = {},
): void {
  const shape = step(() => noGrad(fn).shape);
  const cotangent = numbers(shape, 99);
  for (const x of leaves) x.storage.gradientPresent = false;
  const ops = step(() => {
    const { result, ops } = watchChecked(fn);
    watchBackward(ops, {
      seed: () =>
        step(() =>
          backward(
            record("seed", empty(shape), [leaves[0]], () => {}),
            cotangent,
          ),
        ),
      run: () => backward(result, cotangent),
    });
    return ops;
  });
  const gradients = leaves.map((x) => x.grad() ?? new Float64Array(x.numel));
  for (const x of leaves) x.storage.gradientPresent = false;

  const loss = () =>
    step(() => {
      let sum = 0;
      const y = noGrad(fn).toArray();
      for (let i = 0; i < y.length; i++) sum += y[i] * cotangent[i];
      return sum;
    });
  let largestError = 0;
  leaves.forEach((x, which) => {
    const values = x.toArray();
    const scale = Math.max(...gradients[which].map(Math.abs), 1e-3);
    const stride = Math.max(1, Math.floor(values.length / samples));
    for (let i = 0; i < values.length; i += stride) {
      const probe = (delta: number) => {
        const moved = values.slice();
        moved[i] += delta;
        x.write(moved);
        return loss();
      };
      const numeric = (probe(h) - probe(-h)) / (2 * h);
      x.write(values);
      const analytic = gradients[which][i];
      const error = Math.abs(numeric - analytic) / Math.max(Math.abs(numeric), Math.abs(analytic), scale);
      largestError = Math.max(largestError, error);
      assert.ok(
        error < tolerance,
        `leaf ${which} ${x.name}, entry ${i}: backward gives ${analytic}, differences give ${numeric}`,
      );
    }
  });
  noteGradient(ops, largestError);
}
