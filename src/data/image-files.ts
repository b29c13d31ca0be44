import { statSync } from "node:fs";
import { DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";
import { Fingerprint } from "./fingerprint.js";
import { readImage } from "./image-folder.js";

/**
 * Image files named one by one, in the given order, without labels.
 *
 * @throws DataError if there is none
 */
export function imageFiles(paths: readonly string[]): ImageSource {
  if (paths.length === 0) throw new DataError("image files: none was named, expected at least one.");
  return {
    name: paths.length === 1 ? paths[0] : `${paths.length} files`,
    length: paths.length,
    labels: null,
    classes: [],
    path: (index) => paths[index],
    read: async (index) => (await readImage(paths[index])).image,
    fingerprint: () => {
      const hash = new Fingerprint().text("files");
      for (const path of paths) hash.text(path).integers([statSync(path, { throwIfNoEntry: false })?.size ?? -1]);
      return hash.digest();
    },
  };
}
