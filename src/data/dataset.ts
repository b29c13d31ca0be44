import { ConfigError, DataError } from "../errors.js";
import type { Rng } from "../tensor/random.js";
import { Fingerprint } from "./fingerprint.js";
import type { SourceRecipe } from "./source-recipe.js";

/** A decoded image: 8-bit samples, rows top to bottom, channels interleaved. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** [height, width, channels] */
  readonly data: Uint8Array;
}

/** A part of a data set: to learn from, or to measure on. */
export type Split = "train" | "test";

/** A finite, indexable collection of images. */
export interface ImageSource {
  /** For messages, usually the data spec or folder. */
  readonly name: string;
  readonly length: number;
  /** Class of each image, an index into `classes`; null if the source has no labels. */
  readonly labels: Int32Array | null;
  /** Class names in label order; empty if there are no labels. */
  readonly classes: readonly string[];
  /**
   * @throws DataError if the image is missing or broken; its message starts with the image's path. As a rejection when the result is
   *   a promise.
   */
  read(index: number): Promise<RawImage> | RawImage;
  /** Where the image comes from: a file path, or container#record. */
  path(index: number): string;
  /** 16 hexadecimal digits that change when names, sizes or labels of the content change. Deterministic on every host. */
  fingerprint(): string;
  /** How workers open the same images; without it they are read on the calling thread. */
  readonly recipe?: SourceRecipe;
}

/** The same images under the same names, read in another way. */
export function readBy(source: ImageSource, read: ImageSource["read"], recipe?: SourceRecipe): ImageSource {
  return {
    name: source.name,
    length: source.length,
    labels: source.labels,
    classes: source.classes,
    read,
    path: (index) => source.path(index),
    fingerprint: () => source.fingerprint(),
    recipe,
  };
}

/** The images `indices[0], indices[1], ...` of a source, under a name of their own. */
export function subset(source: ImageSource, indices: Int32Array, name: string): ImageSource {
  const { labels } = source;
  return {
    name,
    length: indices.length,
    labels: labels && Int32Array.from(indices, (index) => labels[index]),
    classes: source.classes,
    read: (index) => source.read(indices[index]),
    path: (index) => source.path(indices[index]),
    fingerprint: () => new Fingerprint().text(source.fingerprint()).integers(indices).digest(),
    recipe: source.recipe && { kind: "subset", of: source.recipe, indices, name },
  };
}

/**
 * The images begin, begin + 1, ..., end - 1 of a source.
 *
 * @throws ConfigError unless 0 <= begin < end
 * @throws DataError if the source has fewer than `end` images
 */
export function range(source: ImageSource, begin: number, end: number): ImageSource {
  if (!Number.isSafeInteger(begin) || !Number.isSafeInteger(end) || begin < 0 || begin >= end) {
    throw new ConfigError(`range: @${begin}..${end} is empty. Give @a..b with 0 <= a < b; b itself is not included.`);
  }
  if (end > source.length) {
    throw new DataError(
      `range: ${source.name} has ${source.length} images, so @${begin}..${end} ends outside. Lower the upper bound.`,
    );
  }
  const indices = Int32Array.from({ length: end - begin }, (_, i) => begin + i);
  return subset(source, indices, `${source.name}@${begin}..${end}`);
}

/**
 * So many images of a source, drawn at random and in its order; the source itself if it has no more.
 *
 * @param rng  its state is the draw's seed
 * @throws ConfigError unless count is a whole number of at least 1
 */
export function randomSubset(source: ImageSource, count: number, rng: Rng): ImageSource {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new ConfigError(`randomSubset: ${count} images of ${source.name}, expected a whole number from 1 on.`);
  if (count >= source.length) return source;
  return subset(source, rng.permutation(source.length).subarray(0, count).sort(), `${source.name} (${count} drawn)`);
}

/**
 * Deals a source into two parts by a random permutation.
 *
 * @param first  number of images in the first part, 0 < first < length
 * @param rng  its state is the split's seed
 * @returns [the first `first` images of the permutation, the rest]
 * @throws ConfigError if one of the parts would be empty
 */
export function randomSplit(source: ImageSource, first: number, rng: Rng): [ImageSource, ImageSource] {
  if (!Number.isSafeInteger(first) || first <= 0 || first >= source.length) {
    throw new ConfigError(
      `randomSplit: the first part is to have ${first} of the ${source.length} images of ${source.name}. Choose 1 to ${source.length - 1}.`,
    );
  }
  const order = rng.permutation(source.length);
  return [
    subset(source, order.slice(0, first), `${source.name} (first ${first})`),
    subset(source, order.slice(first), `${source.name} (rest)`),
  ];
}
