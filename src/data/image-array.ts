import { DataError } from "../errors.js";
import type { ImageSource, RawImage } from "./dataset.js";
import { Fingerprint } from "./fingerprint.js";

/**
 * Decoded images that are in memory already, as a source.
 *
 * @param images  8-bit, 1 or 3 channels, of any sizes
 * @param options.labels  class of each image, from 0 on
 * @throws DataError if there is no image, or labels are of another number
 */
export function imageArray(
  images: readonly RawImage[],
  { labels, classes }: { labels?: ArrayLike<number>; classes?: readonly string[] } = {},
): ImageSource {
  if (images.length === 0) throw new DataError("imageArray: no images, expected at least one.");
  if (labels && labels.length !== images.length)
    throw new DataError(`imageArray: ${labels.length} labels for ${images.length} images.`);
  const own = labels ? Int32Array.from(labels) : null;
  const count = own ? own.reduce((max, label) => Math.max(max, label), 0) + 1 : 0;
  return {
    name: "images in memory",
    length: images.length,
    labels: own,
    classes: classes ?? Array.from({ length: count }, (_, c) => String(c)),
    read: (index) => images[index],
    path: (index) => `image ${index}`,
    fingerprint() {
      const print = new Fingerprint();
      for (const { width, height, channels } of images) print.integers([width, height, channels]);
      return print.integers(own ?? []).digest();
    },
  };
}
