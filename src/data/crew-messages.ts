import * as errors from "../errors.js";
import type { SimdBuild } from "../runtime/kernels.js";
import type { DecodedImage } from "./packed-source.js";
import type { InputRecipe } from "./sample-inputs.js";
import type { SourceRecipe } from "./source-recipe.js";

/** What a worker that prepares batches is sent first. */
export interface CrewStart {
  readonly source: SourceRecipe;
  /** What the calling thread has found there; see `outlineOf`. */
  readonly outline: SourceOutline;
  readonly inputs: InputRecipe;
  readonly order: CrewOrder;
  readonly channels: 1 | 3;
  /** Stop at a broken image. */
  readonly strict: boolean;
  readonly workers: number;
  /** This one's number, from 0. */
  readonly worker: number;
  readonly simd: SimdBuild;
  /** Where batches go: f32, the input tensors of a batch one behind the other. */
  readonly slots: readonly SharedArrayBuffer[];
}

export interface CrewOrder {
  readonly batchSize: number;
  readonly seed: number;
  readonly repeats: number;
}

/** What it answers once: null when it is ready, or why it is not. */
export type CrewAnswer = SentError | null;

/** What it is sent then: a batch of which it is to prepare its share. */
export interface BatchTask {
  readonly iteration: number;
  /** Number of the slot. */
  readonly slot: number;
}

/** What it answers each time. */
export interface BatchShare {
  readonly iteration: number;
  /** Position in the batch and index in the source of each image that was prepared. */
  readonly prepared: readonly (readonly [position: number, index: number])[];
  /** Broken images by the position for which they were met. */
  readonly met: readonly { readonly position: number; readonly index: number; readonly reason: string }[];
  /** Of the first position that failed, if one did. */
  readonly failure: { readonly position: number; readonly error: SentError } | null;
}

/** What it tells in between: an image that was not packed where it is wanted. */
export interface CrewFind {
  readonly decoded: DecodedImage;
}

/** Enough of a source to see whether two threads have opened the same. */
export interface SourceOutline {
  readonly length: number;
  /** Some of them, the last included, so that an image more or less shows wherever it is. */
  readonly paths: readonly string[];
}

const MOST_PATHS = 1024;

export function outlineOf({ length, path }: { length: number; path(index: number): string }): SourceOutline {
  const count = Math.min(length, MOST_PATHS);
  return { length, paths: Array.from({ length: count }, (_, i) => path(Math.floor(((i + 1) * length) / count) - 1)) };
}

/** An error on its way to another thread, which keeps only names that the language knows. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

export function sent(error: unknown): SentError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return { name, message, stack };
}

/** The error as it was thrown, of its own class if that is one of this library's. */
export function received({ name, message, stack }: SentError): Error {
  const known: Readonly<Record<string, unknown>> = errors;
  const kind = Object.hasOwn(known, name) ? (known[name] as new (message: string) => Error) : Error;
  const error = new kind(message);
  if (kind === Error) error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
