import { DataError } from "../errors.js";
import type { ImageSource } from "./dataset.js";
import type { EncodedOptions } from "./encoded-source.js";
import { fileCollection, isImageName, labelsOfFolders, noImages } from "./file-collection.js";
import { matchFiles } from "./patterns.js";
import { printable } from "./printable.js";

/**
 * The image files that match a pattern such as `photos/*.jpg`. If every image lies in a sub-folder of the part before the first
 * wildcard, the first sub-folder on its path is its class; otherwise the images have no labels. Order and links as in `imageFolder`.
 *
 * @param pattern  see `matchFiles`; files without a name of an image are passed over
 * @param options  decoding, notes
 * @throws DataError if no image matches
 */
export function imageGlob(pattern: string, options: EncodedOptions = {}): ImageSource {
  const { base, files } = matchFiles(pattern);
  const images = files.filter(({ path }) => isImageName(path));
  if (files.length === 0)
    throw new DataError(`glob: nothing matches ${printable(pattern)}. Check the pattern, and put it in quotes.`);
  if (images.length === 0) throw noImages("glob", pattern, files);
  const paths = images.map(({ path }) => path);
  const name = `glob:${printable(pattern)}`;
  return fileCollection({ kind: "glob", name, folder: base, paths, ...labelsOfFolders(images, images) }, options);
}
