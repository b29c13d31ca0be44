import { toChannels } from "../../data/channels.js";
import type { RawImage } from "../../data/dataset.js";
import { EvalTransform } from "../../data/eval-transform.js";
import { runtime } from "../../runtime/context.js";

/**
 * The middle squares of images, resized, as a person sees them.
 *
 * @param images  of 1 or 3 channels and any size
 * @param side  of the squares in pixels
 * @returns RGB
 */
export function centerSquares(images: readonly RawImage[], side: number): RawImage[] {
  const transform = new EvalTransform({
    geometry: { kind: "crop", shortSide: side, size: side },
    ...{ channels: 3, mean: [0, 0, 0], std: [1, 1, 1] },
  });
  try {
    return images.map((image) => {
      const { ptr } = transform.bytes(toChannels(image, 3));
      const data = runtime().heap.u8.slice(ptr, ptr + side * side * 3);
      return { width: side, height: side, channels: 3, data };
    });
  } finally {
    transform.dispose();
  }
}
