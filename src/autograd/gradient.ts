import { kernels } from "../runtime/launch.js";
import { fromArray } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import { Storage } from "../tensor/storage.js";
import type { Tensor } from "../tensor/tensor.js";

/** Where a backward kernel writes: with beta 0 it overwrites without reading, with beta 1 it accumulates. */
export interface GradientTarget {
  readonly ptr: number;
  readonly beta: 0 | 1;
}

const coversStorage = (x: Tensor) => x.contiguous && x.numel * sizeOf[x.dtype] === x.storage.sizeBytes;

/**
 * Where dL/dx goes, laid out with x's strides. The caller must write every element of x.
 *
 * @returns pointer and beta, or null if x needs no gradient
 */
export function gradTarget(x: Tensor | null | undefined): GradientTarget | null {
  if (!x?.storage.tracked) return null;
  const { storage } = x;
  const present = storage.gradientPresent;
  storage.gradient ??= Storage.like(storage);
  const ptr = storage.gradient.ptr + 4 * x.offset;
  if (!present) {
    storage.gradientPresent = true;
    storage.gradientScale = 1;
    if (coversStorage(x)) return { ptr, beta: 0 };
    kernels.fill_f32(storage.sizeBytes / 4, 0, storage.gradient.ptr);
  }
  return { ptr, beta: 1 };
}

/** Pointer to dL/dy, laid out with y's strides; zeros if nothing has arrived at an output of several. */
export function gradOf(y: Tensor): number {
  const { storage } = y;
  storage.gradient ??= Storage.like(storage);
  if (!storage.gradientPresent) {
    storage.gradientPresent = true;
    kernels.fill_f32(storage.sizeBytes / 4, 0, storage.gradient.ptr);
  }
  return storage.gradient.ptr + 4 * y.offset;
}

/**
 * Gives the buffer of dL/dy to x, where dL/dx = dL/dy and nothing has arrived at x yet. Sound because y's gradient is dead
 * once the backward that calls this has run; it must be the last use of it.
 *
 * @returns false if x must be written through gradTarget instead
 */
export function handOver(x: Tensor, y: Tensor): boolean {
  const [to, from] = [x.storage, y.storage];
  if (!to.tracked || to.gradientPresent || !to.frame || !from.gradient || !coversStorage(x) || !coversStorage(y))
    return false;
  if (to.sizeBytes !== from.sizeBytes) return false;
  to.gradient = from.gradient;
  to.gradientPresent = true;
  from.gradient = null;
  from.gradientPresent = false;
  return true;
}

/** Starts a backward pass with dL/dy given. */
export function seedGradient(y: Tensor, cotangent: ArrayLike<number>): void {
  const seed = fromArray(cotangent, y.shape);
  const target = gradTarget(y);
  if (target) kernels.scale_f32(y.numel, 1, seed.ptr, target.beta, target.ptr);
}
