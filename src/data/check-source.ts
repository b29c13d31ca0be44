import { createHash } from "node:crypto";
import { DataError } from "../errors.js";
import type { ImageSource, RawImage } from "./dataset.js";
import { printable } from "./printable.js";

/** Images that are read at the same time; no more than these are in memory. */
const PARALLEL_READS = 4;
/** Of a hash, as many bits as a number holds exactly. */
const HASH_BITS = 53;
/** Shorter sides of fewer pixels are suspicious, also those below this share of the median. */
const TINY_SIDE = 16;
const TINY_SHARE = 1 / 4;
/** Ratio of the sides above which an image is suspicious. */
const LONGEST_ASPECT = 4;

/** Whether the first broken image ends a check, and who is told of progress. */
export interface CheckOptions {
  /** Stop at the first broken image. */
  readonly strict?: boolean;
  /** Told how many of all images are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** An image and what is to be said about it. */
export interface Finding {
  readonly path: string;
  readonly reason: string;
}

/** Sides in pixels. */
export interface ImageDimensions {
  readonly width: number;
  readonly height: number;
}

/** What the images of a source are like. */
export interface SourceReport {
  /** Images that could be read. */
  readonly count: number;
  readonly broken: readonly Finding[];
  /** Readable images per class, in label order; empty if there are no labels. */
  readonly classes: readonly { readonly name: string; readonly count: number }[];
  /** By area; null if no image could be read. */
  readonly sizes: {
    readonly min: ImageDimensions;
    readonly median: ImageDimensions;
    readonly max: ImageDimensions;
  } | null;
  /** Readable images by number of channels as stored. */
  readonly channels: Readonly<Record<string, number>>;
  readonly duplicates: DuplicateReport;
  /** Images that can be read but may not be meant: tiny, very long, or of one colour. */
  readonly suspicious: readonly Finding[];
}

/** Images that are equal pixel for pixel. */
export interface DuplicateReport {
  /** Images that another one before them equals: so many could be left out. */
  readonly count: number;
  /** Groups whose images do not all have one class. */
  readonly acrossClasses: number;
  /** Paths of each group, the largest group first. */
  readonly groups: readonly (readonly string[])[];
}

/**
 * Reads and decodes every image of a source, and tells what is in it. Memory is some 30 bytes for each image, and a few
 * images.
 *
 * @throws DataError with `strict`, for the first broken image in the order of the source's reads
 */
export async function checkSource(source: ImageSource, options: CheckOptions = {}): Promise<SourceReport> {
  const seen = await readAll(source, options);
  const images = readable(seen);
  return {
    count: images.length,
    broken: [...seen.broken]
      .sort(([a], [b]) => a - b)
      .map(([index, message]) => ({ path: source.path(index), reason: reasonOf(message, source.path(index)) })),
    classes: classCounts(images, source),
    sizes: sizesOf(images, seen),
    channels: channelCounts(images, seen),
    duplicates: duplicatesOf(images, seen, source),
    suspicious: suspiciousOf(images, seen, source),
  };
}

const [UNREAD, OK, FLAT] = [0, 1, 2];

/** What is remembered of each image, by index. */
interface Seen {
  readonly status: Uint8Array;
  readonly width: Int32Array;
  readonly height: Int32Array;
  readonly channels: Uint8Array;
  /** Of size and samples. */
  readonly hash: Float64Array;
  /** Messages by index. */
  readonly broken: ReadonlyMap<number, string>;
}

async function readAll(source: ImageSource, { strict = false, onProgress }: CheckOptions): Promise<Seen> {
  const { length } = source;
  const broken = new Map<number, string>();
  const seen = {
    status: new Uint8Array(length),
    width: new Int32Array(length),
    height: new Int32Array(length),
    channels: new Uint8Array(length),
    hash: new Float64Array(length),
    broken,
  };
  let [next, done] = [0, 0];
  const reader = async (): Promise<void> => {
    while (next < length) {
      const index = next++;
      try {
        const image = await source.read(index);
        seen.status[index] = isFlat(image) ? FLAT : OK;
        seen.width[index] = image.width;
        seen.height[index] = image.height;
        seen.channels[index] = image.channels;
        seen.hash[index] = hashOf(image);
      } catch (error) {
        if (!(error instanceof DataError) || strict) {
          next = length; // the other readers stop too
          throw error;
        }
        broken.set(index, error.message);
      }
      onProgress?.(++done, length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, length) }, reader));
  return seen;
}

/** Whether all pixels have one colour. */
function isFlat({ channels, data }: RawImage): boolean {
  for (let i = channels; i < data.length; i++) if (data[i] !== data[i - channels]) return false;
  return true;
}

function hashOf({ width, height, channels, data }: RawImage): number {
  const hash = createHash("sha256");
  hash.update(`${width} ${height} ${channels} `);
  const word = hash.update(data).digest().readBigUInt64LE();
  return Number(BigInt.asUintN(HASH_BITS, word));
}

/** Indices of readable images. */
function readable({ status }: Seen): Int32Array {
  return Int32Array.from(status.keys()).filter((index) => status[index] !== UNREAD);
}

function classCounts(images: Int32Array, { classes, labels }: ImageSource): SourceReport["classes"] {
  const counts = new Int32Array(classes.length);
  if (labels) for (const index of images) counts[labels[index]]++;
  return classes.map((name, label) => ({ name, count: counts[label] }));
}

function sizesOf(images: Int32Array, { width, height }: Seen): SourceReport["sizes"] {
  if (images.length === 0) return null;
  const byArea = images.toSorted((a, b) => width[a] * height[a] - width[b] * height[b] || width[a] - width[b] || a - b);
  const at = (place: number) => ({ width: width[byArea[place]], height: height[byArea[place]] });
  return { min: at(0), median: at(byArea.length >> 1), max: at(byArea.length - 1) };
}

function channelCounts(images: Int32Array, { channels }: Seen): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const index of images) counts[channels[index]] = (counts[channels[index]] ?? 0) + 1;
  return counts;
}

function duplicatesOf(images: Int32Array, { hash }: Seen, source: ImageSource): DuplicateReport {
  const byHash = images.toSorted((a, b) => hash[a] - hash[b] || a - b);
  const groups: Int32Array[] = [];
  for (let first = 0, end = 0; first < byHash.length; first = end) {
    while (end < byHash.length && hash[byHash[end]] === hash[byHash[first]]) end++;
    if (end - first > 1) groups.push(byHash.subarray(first, end));
  }
  groups.sort((a, b) => b.length - a.length || a[0] - b[0]);
  const { labels } = source;
  return {
    count: groups.reduce((sum, group) => sum + group.length - 1, 0),
    acrossClasses: groups.filter((group) => labels && group.some((index) => labels[index] !== labels[group[0]])).length,
    groups: groups.map((group) => Array.from(group, (index) => source.path(index))),
  };
}

function suspiciousOf(images: Int32Array, { status, width, height }: Seen, source: ImageSource): Finding[] {
  const shorts = images.map((index) => Math.min(width[index], height[index])).sort();
  const median = shorts[shorts.length >> 1];
  return [...images].flatMap((index) => {
    const [short, long] = [width[index], height[index]].sort((a, b) => a - b);
    const size = `${width[index]} × ${height[index]} pixels`;
    const reasons = [
      short < TINY_SIDE ? `is tiny: ${size}` : short < median * TINY_SHARE ? `is much smaller than most: ${size}` : "",
      long > LONGEST_ASPECT * short ? `is very long: ${size}` : "",
      status[index] === FLAT ? "has one colour all over" : "",
    ].filter(Boolean);
    return reasons.length > 0 ? [{ path: source.path(index), reason: reasons.join("; ") }] : [];
  });
}

/** An error's message without the path that it starts with. */
function reasonOf(message: string, path: string): string {
  const start = `${printable(path)}: `;
  return message.startsWith(start) ? message.slice(start.length) : message;
}
