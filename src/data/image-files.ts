import { DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";
import { fileCollection } from "./file-collection.js";

/**
 * Image files named one by one, in the given order, without labels.
 *
 * @throws DataError if there is none
 */
export function imageFiles(paths: readonly string[]): ImageSource {
  if (paths.length === 0) throw new DataError("image files: none was named, expected at least one.");
  const name = paths.length === 1 ? paths[0] : `${paths.length} files`;
  return fileCollection({ kind: "files", name, folder: "", paths, labels: null, classes: [] }, {});
}
