import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { DataError } from "../errors.js";
import type { ImageSource, RawImage, Split } from "./dataset.js";
import { type DecodeOptions, decode } from "./decode.js";
import { Fingerprint } from "./fingerprint.js";
import { printable } from "./printable.js";

/**
 * File names taken for images. Formats that cannot be read in this version are among them, so that such a file is reported when it
 * is met instead of being passed over in silence.
 */
export const imageExtensions = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"];

/** Folders that hold a split, the first that is there. */
export const splitFolders: Readonly<Record<Split, readonly string[]>> = {
  train: ["train"],
  test: ["test", "val", "valid", "validation"],
};

export interface ImageFolderOptions extends Omit<DecodeOptions, "path"> {
  /** "train" is the sub-folder `train`, "test" the first of `test`, `val`, `valid`, `validation`; one of them must be there. */
  readonly split?: Split;
  /**
   * What to take where `split` is not given: that split if the folder is divided into such sub-folders, else the whole folder as
   * "train" (it has no "test"). Default: everything, in whatever splits.
   */
  readonly defaultSplit?: Split;
  /** Told once per file about a name that says another format than the content. */
  readonly onNote?: (note: string) => void;
}

interface Found {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** Folder of the class; null for a file that lies beside the classes. */
  readonly className: string | null;
}

interface Survey {
  readonly images: Found[];
  /** Number of other files by extension, for the message when there is no image. */
  readonly others: Map<string, number>;
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
  const { split, defaultSplit, onNote, ...decoding } = options;
  const { roots, wanted } = chooseFolders(folder, split, defaultSplit);
  const survey = collect(folder, roots);
  const images = wanted === null ? survey.images : survey.images.filter(({ path }) => path.startsWith(`${wanted}/`));
  if (images.length === 0) throw nothingFound(wanted === null ? folder : join(folder, wanted), survey.others);
  const { labels, classes } = label(images, survey.images);
  const noted = new Set<number>();
  const pathOf = (index: number): string => join(folder, images[index].path);
  return {
    name: `folder:${printable(wanted === null ? folder : join(folder, wanted))}`,
    length: images.length,
    labels,
    classes,
    path: pathOf,
    read: async (index) => {
      const { image, note } = await readImage(pathOf(index), decoding);
      if (note !== null && !noted.has(index)) {
        noted.add(index);
        onNote?.(note);
      }
      return image;
    },
    fingerprint: () => {
      const hash = new Fingerprint().text("folder");
      for (const { path } of images) hash.text(path).integers([sizeOf(join(folder, path))]);
      if (labels) hash.integers(labels);
      return hash.digest();
    },
  };
}

/**
 * Reads and decodes one image file.
 *
 * @throws DataError, its message starting with the path, if the file cannot be read or decoded
 */
export async function readImage(
  path: string,
  options: Omit<DecodeOptions, "path"> = {},
): Promise<{ image: RawImage; note: string | null }> {
  const label = printable(path);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`${label}: cannot be read (${code}). Was it moved or deleted?`, { cause: error });
  }
  return decode(bytes, { ...options, path: label });
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

interface Entry {
  readonly name: string;
  /** What the name leads to, after following links; null for a broken link, a loop of links, a device. */
  readonly kind: "folder" | "file" | null;
}

/** Entries in order of their names, without those that start with a dot. */
function listFolder(folder: string): Entry[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith("."))
      .map((entry) => ({
        name: entry.name,
        kind: kindOf(entry.isSymbolicLink() ? follow(join(folder, entry.name)) : entry),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = { ENOENT: "does not exist", ENOTDIR: "is not a folder" };
    const reason = reasons[code ?? ""] ?? `cannot be read (${code})`;
    throw new DataError(`folder: ${printable(folder)} ${reason}. Check the path.`, { cause: error });
  }
}

function follow(link: string): Stats | null {
  try {
    return statSync(link);
  } catch {
    return null;
  }
}

function kindOf(entry: Dirent | Stats | null): Entry["kind"] {
  return entry?.isDirectory() ? "folder" : entry?.isFile() ? "file" : null;
}

/** All images below the given sub-folders, in order; every real folder once, which also cuts loops of links. */
function collect(folder: string, roots: readonly string[]): Survey {
  const survey: Survey = { images: [], others: new Map() };
  const visited = new Set<string>();
  for (const root of roots) {
    const pending = [{ path: root, className: null as string | null }];
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const { path, className } = entry;
      const real = realpathSync(join(folder, path));
      if (visited.has(real)) continue;
      visited.add(real);
      for (const { name, kind } of listFolder(join(folder, path)).reverse()) {
        const child = path === "" ? name : `${path}/${name}`;
        if (kind === "folder") pending.push({ path: child, className: className ?? name });
        else if (kind === "file") sortIn(survey, child, className);
      }
    }
  }
  survey.images.sort((a, b) => (a.path < b.path ? -1 : 1));
  return survey;
}

function sortIn(survey: Survey, path: string, className: string | null): void {
  const extension = extname(path).toLowerCase();
  if (imageExtensions.includes(extension)) survey.images.push({ path, className });
  else survey.others.set(extension, (survey.others.get(extension) ?? 0) + 1);
}

/** Labels of `images`; the classes are those of `all` splits, so that a label means the same in each of them. */
function label(images: readonly Found[], all: readonly Found[]): { labels: Int32Array | null; classes: string[] } {
  if (all.some(({ className }) => className === null)) return { labels: null, classes: [] };
  const classes = [...new Set(all.map(({ className }) => className!))].sort();
  const labelOf = new Map(classes.map((name, index) => [name, index]));
  return { labels: Int32Array.from(images, ({ className }) => labelOf.get(className!)!), classes };
}

function nothingFound(folder: string, others: ReadonlyMap<string, number>): DataError {
  const counts = [...others]
    .sort(([, a], [, b]) => b - a)
    .map(([extension, count]) => `${count} ${extension || "without extension"}`);
  const found = counts.length === 0 ? "it is empty" : `its files are ${printable(counts.slice(0, 8).join(", "))}`;
  return new DataError(
    `folder: no images in ${printable(folder)}: ${found}. Looked for ${imageExtensions.join(" ")} in it and all its sub-folders.`,
  );
}

/** -1 for a file that has gone, which changes the fingerprint too. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}
