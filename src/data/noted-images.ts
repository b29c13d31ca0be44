import type { RawImage } from "./dataset.js";
import { readImage } from "./file-collection.js";

/** Reads image files; what the user may want to know about one is told once. @param onNote  told about names that lie */
export function notedImages(onNote: (note: string) => void = () => {}): (path: string) => Promise<RawImage> {
  const told = new Set<string>();
  return async (path) => {
    const { image, note } = await readImage(path);
    if (note !== null && !told.has(note)) {
      told.add(note);
      onNote(note);
    }
    return image;
  };
}
