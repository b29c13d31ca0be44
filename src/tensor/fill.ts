import { kernels } from "../runtime/launch.js";
import type { Rng } from "./random.js";
import type { Tensor } from "./tensor.js";

/** Words of the random kernels: one per element, whatever the distribution. */
const blocksFor = (x: Tensor, rng: Rng) => {
  const { key0, key1, counter0, counter1 } = rng.reserve(x.numel);
  return [x.numel, key0, key1, counter0, counter1] as const;
};

/** Sets every element of a dense f32 tensor to one number. */
export function fillConstant(x: Tensor, value: number): void {
  kernels.fill_f32(x.numel, value, x.ptr);
}

/** Fills a dense f32 tensor with numbers uniform in [low, high), by the stream's next words. */
export function fillUniform(x: Tensor, rng: Rng, { low, high }: { low: number; high: number }): void {
  kernels.uniform_f32(...blocksFor(x, rng), low, high, x.ptr);
}

/** Fills a dense f32 tensor with normal numbers of mean 0, by the stream's next words. */
export function fillNormal(x: Tensor, rng: Rng, { std }: { std: number }): void {
  kernels.normal_f32(...blocksFor(x, rng), 0, std, x.ptr);
}

/**
 * Fills a dense f32 tensor with normal numbers of mean 0, restricted to ±bound (in the units of the result), by the stream's
 * next words.
 */
export function fillTruncatedNormal(x: Tensor, rng: Rng, { std, bound }: { std: number; bound: number }): void {
  const blocks = blocksFor(x, rng);
  if (std === 0) fillConstant(x, 0);
  else kernels.truncated_normal_f32(...blocks, 0, std, -bound, bound, x.ptr);
}
