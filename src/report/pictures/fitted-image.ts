import { resizeImage } from "../../data/augment.js";
import { toChannels } from "../../data/channels.js";
import type { RawImage } from "../../data/dataset.js";
import { ImageWorkspace } from "../../data/image-workspace.js";
import { runtime } from "../../runtime/context.js";

/**
 * A whole image, resized so that its longer side has the given number of pixels.
 *
 * @param image  of 1 or 3 channels
 * @returns RGB
 */
export function fittedImage(image: RawImage, side: number): RawImage {
  const scale = side / Math.max(image.width, image.height);
  const along = (pixels: number) => Math.max(1, Math.round(pixels * scale));
  const [width, height] = [along(image.width), along(image.height)];
  const workspace = new ImageWorkspace({ channels: 3, mean: [0, 0, 0], std: [1, 1, 1] });
  try {
    workspace.load(toChannels(image, 3));
    const { ptr } = resizeImage(workspace, { source: workspace.source, size: { height, width } });
    return { width, height, channels: 3, data: runtime().heap.u8.slice(ptr, ptr + width * height * 3) };
  } finally {
    workspace.dispose();
  }
}
