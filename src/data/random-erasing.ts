import { runtime } from "../runtime/context.js";
import { sizeOf } from "../tensor/dtype.js";
import { exp, log, roundHalfEven } from "../tensor/math.js";
import type { Rng } from "../tensor/random.js";
import type { Size, Window } from "./augment-parameters.js";

const AREA = [0.02, 1 / 3] as const;
const LEAST_ASPECT = 0.3;
const ATTEMPTS = 10;

/**
 * The rectangle that random erasing covers (Zhong et al., 2020, with timm's ranges): area uniform in 2 % … 33 % of the image,
 * aspect log-uniform in 0.3 … 1/0.3; after ten that do not fit, none.
 *
 * @param probability  that there is one at all
 */
export function drawErasedWindow(rng: Rng, { height, width }: Size, probability: number): Window | null {
  if (!rng.chance(probability)) return null;
  const bound = log(LEAST_ASPECT);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = height * width * rng.uniform(AREA[0], AREA[1]);
    const aspect = exp(rng.uniform(bound, -bound));
    const h = roundHalfEven(Math.sqrt(area * aspect));
    const w = roundHalfEven(Math.sqrt(area / aspect));
    if (h < height && w < width)
      return { top: rng.integer(0, height - h), left: rng.integer(0, width - w), height: h, width: w };
  }
  return null;
}

/**
 * Fills a rectangle with normal numbers, every pixel of every channel its own.
 *
 * @param image  address of f32 [channels, height, width], normalised
 */
export function eraseWindow(rng: Rng, image: number, size: Size & { channels: number }, window: Window): void {
  const { f32 } = runtime().heap;
  const start = image / sizeOf.f32;
  for (let c = 0; c < size.channels; c++) {
    for (let row = window.top; row < window.top + window.height; row++) {
      const at = start + (c * size.height + row) * size.width + window.left;
      for (let i = 0; i < window.width; i++) f32[at + i] = rng.normal();
    }
  }
}
