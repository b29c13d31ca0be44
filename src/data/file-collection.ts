import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, isAbsolute, join } from "node:path";
import { DataError, ResourceError } from "../errors.js";
import type { ImageSource, RawImage } from "./dataset.js";
import { type DecodeOptions, decode } from "./decode.js";
import { type EncodedOptions, encodedSource } from "./encoded-source.js";
import { Fingerprint } from "./fingerprint.js";
import type { FoundFile } from "./folder-walk.js";
import type { Labelling } from "./labels.js";
import { hintOnName, printable } from "./printable.js";

/**
 * File names taken for images. Formats that cannot be read in this version are among them, so that such a file is reported when it
 * is met instead of being passed over in silence.
 */
export const imageExtensions = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"];

/** What says nothing about an image: too many open files, in this process or all of them, or no memory. */
const HOST_SHORTAGES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

export interface FileCollection extends Labelling {
  /** First part of the fingerprint. */
  readonly kind: string;
  readonly name: string;
  /** What relative paths start from. */
  readonly folder: string;
  readonly paths: readonly string[];
}

/**
 * A source of image files. What it costs to open is nothing per image; a file that is missing is found when it is read, and so is
 * one whose size has changed since the fingerprint was taken.
 */
export function fileCollection(collection: FileCollection, options: EncodedOptions): ImageSource {
  const { kind, name, folder, paths, labels, classes } = collection;
  const path = (index: number): string => (isAbsolute(paths[index]) ? paths[index] : join(folder, paths[index]));
  let sizes: Float64Array | null = null;
  return encodedSource(
    {
      name,
      length: paths.length,
      labels,
      classes,
      path,
      bytes: async (index) => {
        const bytes = await readImageFile(path(index));
        if (sizes && sizes[index] !== bytes.length) throw changed(path(index), sizes[index], bytes.length);
        return bytes;
      },
      fingerprint: () => {
        const taken = sizes ?? Float64Array.from(paths, (_, index) => sizeOf(path(index)));
        sizes = taken;
        const hash = new Fingerprint().text(kind);
        paths.forEach((text, index) => {
          hash.text(text).integers([taken[index]]);
        });
        if (labels) hash.integers(labels);
        return hash.digest();
      },
    },
    options,
  );
}

/**
 * Reads and decodes one image file.
 *
 * @throws DataError, its message starting with the path, if the file cannot be read or decoded
 * @throws ResourceError if the host can open no more files
 */
export async function readImage(
  path: string,
  options: Omit<DecodeOptions, "path"> = {},
): Promise<{ image: RawImage; note: string | null }> {
  return decode(await readImageFile(path), { ...options, path: printable(path) });
}

async function readImageFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (HOST_SHORTAGES.has(code ?? "")) {
      throw new ResourceError(
        `${printable(path)}: cannot be read, since the host has nothing left for it (${code}). Close other programs or raise the limit (ulimit -n).`,
        { cause: error },
      );
    }
    throw new DataError(`${printable(path)}: cannot be read (${code}). ${hintOnName(path)}`, { cause: error });
  }
}

function changed(path: string, before: number, now: number): DataError {
  const was = before < 0 ? "not there" : `${before} bytes long`;
  return new DataError(`${printable(path)}: has changed: it was ${was} and is ${now} now.`);
}

/** -1 for a file that has gone, which changes the fingerprint too. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

export function isImageName(path: string): boolean {
  return imageExtensions.includes(extname(path).toLowerCase());
}

/** Labels of `images` from their folders; the classes are those of `all`, so that a label means the same in each of its parts. */
export function labelsOfFolders(images: readonly FoundFile[], all: readonly FoundFile[]): Labelling {
  if (all.some(({ className }) => className === null)) return { labels: null, classes: [] };
  const classes = [...new Set(all.map(({ className }) => className!))].sort();
  const labelOf = new Map(classes.map((name, index) => [name, index]));
  return { labels: Int32Array.from(images, ({ className }) => labelOf.get(className!)!), classes };
}

/** Why there is no image, from the files that are there instead. */
export function noImages(kind: string, where: string, others: readonly FoundFile[]): DataError {
  const counts = new Map<string, number>();
  for (const { path } of others) {
    const extension = extname(path).toLowerCase();
    counts.set(extension, (counts.get(extension) ?? 0) + 1);
  }
  const listed = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([extension, count]) => `${count} ${extension || "without extension"}`);
  const found = listed.length === 0 ? "it is empty" : `its files are ${printable(listed.slice(0, 8).join(", "))}`;
  return new DataError(
    `${kind}: no images in ${printable(where)}: ${found}. Looked for ${imageExtensions.join(" ")} in it and all its sub-folders.`,
  );
}
