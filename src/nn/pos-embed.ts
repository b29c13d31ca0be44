import { concatRows } from "../ops/concat.js";
import { resample } from "../ops/resize.js";
import type { Tensor } from "../tensor/tensor.js";

/** Added to the number of patches before the resize factor is formed, as the published models do (spec §2.5). */
const OFFSET = 0.1;

/**
 * Position embedding for a grid of patches other than the trained one: the class entry as it is, the trained grid resized
 * bicubically (a = −0.75, no antialias). The factor (n + 0.1)/N, not n/N, sets where the grid is sampled.
 *
 * @param position  trained embedding [1 + N·N, w]
 * @param height  patches of the image from top to bottom
 * @param width  patches from left to right
 * @returns [1 + height·width, w]; position itself if the grid is the trained one
 */
export function positionFor(position: Tensor, height: number, width: number): Tensor {
  const [entries, channels] = position.shape;
  const side = Math.round(Math.sqrt(entries - 1));
  if (height === width && height === side) return position;
  const [scaleRows, scaleCols] = [(height + OFFSET) / side, (width + OFFSET) / side];
  const grid = resample(position.narrow(0, 1, entries - 1), {
    inHeight: side,
    inWidth: side,
    outHeight: height,
    outWidth: width,
    scaleRows,
    scaleCols,
  });
  return concatRows([position.narrow(0, 0, 1), grid.reshape([height * width, channels])]);
}
