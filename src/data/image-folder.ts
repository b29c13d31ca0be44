import { join } from "node:path";
import { DataError } from "../errors.js";
import type { ImageSource, Split } from "./dataset.js";
import type { EncodedOptions } from "./encoded-source.js";
import { fileCollection, isImageName, labelsOfFolders, noImages } from "./file-collection.js";
import { findFiles, listFolder } from "./folder-walk.js";
import { printable } from "./printable.js";

/** Folders that hold a split, the first that is there. */
export const splitFolders: Readonly<Record<Split, readonly string[]>> = {
  train: ["train"],
  test: ["test", "val", "valid", "validation"],
};

/** Which part of a folder is read, and how its files are decoded. */
export interface ImageFolderOptions extends EncodedOptions {
  /** "train" is the sub-folder `train`, "test" the first of `test`, `val`, `valid`, `validation`; one of them must be there. */
  readonly split?: Split;
  /**
   * What to take where `split` is not given: that split if the folder is divided into such sub-folders, else the whole folder as
   * "train" (it has no "test"). Default: everything, in whatever splits.
   */
  readonly defaultSplit?: Split;
}

/**
 * A folder of image files, with any depth of sub-folders. If every image lies in a sub-folder, the first one on its path is its class;
 * otherwise the images have no labels. Names that start with a dot are passed over. Symbolic links are followed, each real folder is
 * read once. The order of the images is that of their paths, compared by UTF-16 code units, whatever the file system lists first.
 *
 * @param folder  path
 * @param options  split, decoding, notes
 * @throws DataError if the folder cannot be read, has no such split, or holds no image
 */
export function imageFolder(folder: string, options: ImageFolderOptions = {}): ImageSource {
  const { split, defaultSplit, ...encoded } = options;
  const { roots, wanted } = chooseFolders(folder, split, defaultSplit);
  const files = findFiles(folder, roots);
  const all = files.filter(({ path }) => isImageName(path));
  const images = wanted === null ? all : all.filter(({ path }) => path.startsWith(`${wanted}/`));
  const place = wanted === null ? folder : join(folder, wanted);
  if (images.length === 0) {
    throw noImages(
      "folder",
      place,
      files.filter(({ path }) => !isImageName(path)),
    );
  }
  const name = `folder:${printable(place)}`;
  const paths = images.map(({ path }) => path);
  return fileCollection({ kind: "folder", name, folder, paths, ...labelsOfFolders(images, all) }, encoded);
}

/**
 * Which sub-folders to read ("" is the folder itself) and which one of them holds the wanted split (null: all images). All splits are
 * read, since their classes together number the labels.
 *
 * Without an explicit split, a folder counts as divided if it has both a training and a test sub-folder, or such a sub-folder alone:
 * beside others, one called `train` may well be a class.
 */
function chooseFolders(
  folder: string,
  split: Split | undefined,
  defaultSplit: Split | undefined,
): { roots: readonly string[]; wanted: string | null } {
  const names = listFolder(folder)
    .filter((entry) => entry.kind === "folder")
    .map(({ name }) => name);
  const parts = [...splitFolders.train, ...splitFolders.test].filter((name) => names.includes(name));
  const partOf = (wish: Split): string | undefined => splitFolders[wish].find((name) => parts.includes(name));
  const divided = (partOf("train") && partOf("test")) || (names.length === 1 && parts.length === 1);
  const wish = split ?? (divided ? defaultSplit : undefined);
  const wanted = wish && partOf(wish);
  const missing = wish ?? defaultSplit;
  if (wish ? !wanted : defaultSplit === "test") {
    const looked = splitFolders[missing!].join(", ");
    const present = names.length === 0 ? "none" : printable(names.slice(0, 8).join(", "));
    throw new DataError(
      `folder: ${printable(folder)} has no ${missing} split (no sub-folder ${looked}; it has ${present}). ` +
        "Give the folder of the images itself, or another data spec.",
    );
  }
  return { roots: wanted || divided ? parts : [""], wanted: wanted ?? null };
}
