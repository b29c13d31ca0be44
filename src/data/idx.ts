import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { DataError } from "../errors.js";
import type { ImageSource, Split } from "./dataset.js";
import { Fingerprint } from "./fingerprint.js";
import { numberLabels } from "./labels.js";
import { printable } from "./printable.js";

/** One array of bytes, as an IDX file holds it. */
interface IdxArray {
  readonly path: string;
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

interface Part {
  readonly images: IdxArray;
  readonly labels: IdxArray | null;
  readonly firstIndex: number;
}

/** In names as MNIST has them, `train-images-idx3-ubyte`, and its relatives, `emnist-letters-test-images-idx3-ubyte.gz`. */
const splitWords: Readonly<Record<Split, string>> = { train: "train", test: "(?:t10k|test)" };
const UNSIGNED_BYTE = 0x08;
const MAX_BYTES = 2 ** 31 - 1;
/** Compressed bytes that surely hold the header of at most 4 + 4 · 255 bytes. */
const HEADER_SOURCE_BYTES = 4096;

/**
 * Images in IDX files, the format of MNIST: for each split a file of images, [count, height, width] or [count, height, width, channels]
 * bytes, and one of labels, [count] bytes; plain or gzipped.
 *
 * @param folder  where the files are
 * @param options.split  "train", "test" (`t10k` or `test` in names), or undefined for both, training images first
 * @returns images of one channel, or of as many as the fourth dimension says; without labels if a file of labels is missing
 * @throws DataError if no file of images is there, one is damaged or not of bytes, or counts differ
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
 */
export function idxImages(folder: string, { split }: { split?: Split } = {}): ImageSource {
  const names = listNames(folder);
  const splits: Split[] = split ? [split] : ["train", "test"];
  const parts: Part[] = [];
  let length = 0;
  for (const wish of splits) {
    const part = readPart(folder, names, wish, length);
    if (part === null) continue;
    parts.push(part);
    length += part.images.dims[0];
  }
  if (length === 0) {
    const wanted = splits.map((wish) => (wish === "train" ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte"));
    throw new DataError(
      `idx: ${printable(folder)} has no images of ${wanted.join(" or ")} (plain or .gz; ${names.length} entries there). Give the folder of the files.`,
    );
  }
  const locate = (index: number): Part => parts.filter(({ firstIndex }) => firstIndex <= index).at(-1)!;
  const labelTexts = parts.flatMap(({ images, labels }) =>
    labels ? Array.from(labels.data, String) : new Array<null>(images.dims[0]).fill(null),
  );
  const path = (index: number): string => {
    const { images, firstIndex } = locate(index);
    return `${images.path}#${index - firstIndex}`;
  };
  const { labels, classes } = numberLabels(labelTexts, (index) => `idx: ${printable(path(index))}`);
  return {
    name: `idx:${printable(folder)}${split ? `#${split}` : ""}`,
    length,
    labels,
    classes,
    read: (index) => {
      const { images, firstIndex } = locate(index);
      const [, height, width, channels = 1] = images.dims;
      const bytes = height * width * channels;
      const begin = (index - firstIndex) * bytes;
      return { width, height, channels, data: images.data.slice(begin, begin + bytes) };
    },
    path,
    fingerprint: () => {
      const hash = new Fingerprint().text("idx");
      for (const { images } of parts) hash.text(basename(images.path).replace(/\.gz$/i, "")).integers(images.dims);
      return hash.integers(labels ?? []).digest();
    },
  };
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`idx: cannot read the folder ${printable(folder)} (${code}). Check the path.`, {
      cause: error,
    });
  }
}

function readPart(folder: string, names: readonly string[], split: Split, firstIndex: number): Part | null {
  const find = (what: string): string | undefined => {
    const pattern = new RegExp(`(?:^|[-_.])${splitWords[split]}-${what}[-.]idx\\d-ubyte(?:\\.gz)?$`, "i");
    return names.find((name) => pattern.test(name)); // in order of names: the plain file before the compressed one
  };
  const [imageName, labelName] = [find("images"), find("labels")];
  if (imageName === undefined) return null;
  const images = readIdx(join(folder, imageName));
  if (images.dims.length < 3 || images.dims.length > 4) {
    throw new DataError(
      `idx: ${printable(images.path)} has ${images.dims.length} dimensions, expected 3 (count, height, width) or 4 (and channels).`,
    );
  }
  if (images.dims.slice(1).includes(0))
    throw new DataError(`idx: ${printable(images.path)} holds images of size ${images.dims.slice(1).join("x")}.`);
  const labels = labelName === undefined ? null : readIdx(join(folder, labelName));
  if (labels && (labels.dims.length !== 1 || labels.dims[0] !== images.dims[0])) {
    throw new DataError(
      `idx: ${printable(labels.path)} holds labels [${labels.dims.join(", ")}] for ${images.dims[0]} images. Are both files of one set?`,
    );
  }
  return { images, labels, firstIndex };
}

/** Magic number 0, 0, type, rank; the dimensions as big-endian 32-bit numbers; the elements. */
function readIdx(path: string): IdxArray {
  const refuse = (reason: string): never => {
    throw new DataError(`idx: ${printable(path)} ${reason}. Copy or download it again.`);
  };
  const stored = readBytes(path);
  const isGzip = stored[0] === 0x1f && stored[1] === 0x8b;
  const start = isGzip ? inflate(stored.subarray(0, HEADER_SOURCE_BYTES), undefined, refuse) : stored;
  if (start.length < 4 || start[0] !== 0 || start[1] !== 0) return refuse("does not start as an IDX file");
  if (start[2] !== UNSIGNED_BYTE)
    refuse(`holds elements of type 0x${start[2].toString(16).padStart(2, "0")}, only unsigned bytes (0x08) are images`);
  const headerBytes = 4 + 4 * start[3];
  if (start.length < headerBytes) return refuse("is cut off in its header");
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const dims = Array.from({ length: start[3] }, (_, axis) => view.getUint32(4 + 4 * axis));
  const elements = dims.reduce((product, size) => product * size, 1);
  if (headerBytes + elements > MAX_BYTES) refuse(`says it holds ${elements} bytes, more than can be read`);
  const bytes = isGzip ? inflate(stored, headerBytes + elements, refuse) : stored;
  if (bytes.length !== headerBytes + elements)
    refuse(`has ${bytes.length} bytes, expected ${headerBytes + elements} for [${dims.join(", ")}]`);
  // As a plain array: slices of a Buffer would share its memory.
  return { path, dims, data: new Uint8Array(bytes.buffer, bytes.byteOffset + headerBytes, elements) };
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`idx: cannot read ${printable(path)} (${code}).`, { cause: error });
  }
}

/**
 * @param expected  bytes that may come out at most; undefined where `source` is only the beginning of a file, of which what it holds is
 *   wanted
 */
function inflate(source: Uint8Array, expected: number | undefined, refuse: (reason: string) => never): Uint8Array {
  try {
    // Deflate expands at most 1032 times, so the beginning alone is bounded by its own length.
    return expected === undefined
      ? gunzipSync(source, { finishFlush: constants.Z_SYNC_FLUSH })
      : gunzipSync(source, { maxOutputLength: Math.max(1, expected) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return refuse(code === "ERR_BUFFER_TOO_LARGE" ? "holds more than its header says" : `is damaged (${message})`);
  }
}
