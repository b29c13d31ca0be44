import { type ImageSource, type RawImage, readBy } from "./dataset.js";

/**
 * The same source, with its decoded images kept in memory once they have been read, as far as they fit. Broken images are not kept.
 * The images handed out are the kept ones: they must not be written to.
 *
 * @param source  whose images do not change during the run
 * @param maxBytes  bound on the bytes of all kept samples; images beyond it are decoded each time
 */
export function memoryCache(source: ImageSource, maxBytes: number): ImageSource {
  const kept = new Map<number, RawImage>();
  let keptBytes = 0;
  const keep = (index: number, image: RawImage): RawImage => {
    if (!kept.has(index) && keptBytes + image.data.length <= maxBytes) {
      kept.set(index, image);
      keptBytes += image.data.length;
    }
    return image;
  };
  const read = (index: number) => {
    const image = kept.get(index) ?? source.read(index);
    return image instanceof Promise ? image.then((decoded) => keep(index, decoded)) : keep(index, image);
  };
  return readBy(source, read, source.recipe && { kind: "memory", of: source.recipe, maxBytes });
}
