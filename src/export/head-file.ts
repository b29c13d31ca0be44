import { FormatError, ShapeError } from "../errors.js";
import { type StoredTensor, toFloat32 } from "../formats/safetensors.js";
import { buildEncoder, type Encoder } from "../models/encoder.js";
import type { SavedTensor } from "../optim/optimizer-state.js";
import type { Tensor } from "../tensor/tensor.js";
import { readSealable, replaceSealed } from "../train/sealed-file.js";
import { encoderMetadata, parseSpec, SPEC_KEY } from "./encoder-metadata.js";

const BACKBONE = "backbone.";

/** Which kind of head a file holds. */
export interface HeadKind {
  /** Where the metadata hold what the head is, a JSON text. */
  readonly key: string;
  /** Of a message: what it is called, and the verb that writes it. */
  readonly name: string;
  readonly verb: string;
}

/** What is written: a head over an encoder, which goes along if it was tuned. */
export interface HeadContent {
  readonly encoder: Encoder;
  readonly tuned: boolean;
  /** Tensors of the head under the names of the file. */
  readonly tensors: Iterable<readonly [string, Tensor]>;
  /** What makes the head again, apart from its weights. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Replaces a file, at once, by the head of a task as safetensors with a checksum; with a tuned backbone it is also the file of an
 * encoder.
 *
 * @throws ResourceError if the disk is full; an older file is untouched then
 */
export function writeHead(path: string, { key }: HeadKind, { encoder, tuned, tensors, fields }: HeadContent): void {
  const backbone = tuned ? encoder.backbone.namedTensors(BACKBONE) : [];
  const stored = [...tensors, ...backbone].map(([name, x]): [string, StoredTensor] => [
    name,
    { dtype: "F32", shape: x.shape, data: x.toArray() as Float32Array },
  ]);
  const metadata = tuned ? encoderMetadata(encoder.spec) : new Map([["format", "pt"]]);
  replaceSealed(path, new Map(stored), metadata.set(key, JSON.stringify(fields)));
}

/** A head as a file holds it. */
export interface StoredTaskHead {
  /** What the file says of the head; to be checked. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its tensors under the names of the file. */
  readonly tensors: ReadonlyMap<string, SavedTensor>;
  /** The file's own encoder if it was tuned, else the given one. */
  readonly encoder: Encoder;
}

/**
 * Reads the head of a task.
 *
 * @param encoder  for a file without one of its own
 * @param build  makes the head; a ShapeError of it is told as that of a file which does not fit
 * @throws DataError if the file is not there; FormatError if it is damaged, or holds no such head, or one for another encoder
 */
export function readHead<T>(
  path: string,
  { key, name, verb }: HeadKind,
  encoder: Encoder,
  build: (stored: StoredTaskHead) => T,
): T {
  const { tensors, metadata } = readSealable(path);
  const text = metadata.get(key);
  if (text === undefined)
    throw new FormatError(`${path} holds no ${name}. Name a file that \`poa ${verb} --out\` has written.`);
  const saved = [...tensors].map(([at, x]): [string, SavedTensor] => [at, { shape: x.shape, data: toFloat32(x) }]);
  const own = saved.filter(([at]) => at.startsWith(BACKBONE));
  const head = new Map(saved.filter(([at]) => !at.startsWith(BACKBONE)));
  let used = encoder;
  try {
    const weights = new Map(own.map(([at, x]) => [at.slice(BACKBONE.length), x]));
    if (own.length > 0) used = buildEncoder(parseSpec(path, metadata.get(SPEC_KEY)), weights);
    return build({ fields: fieldsOf(path, key, text), tensors: head, encoder: used });
  } catch (error) {
    if (used !== encoder) used.backbone.dispose();
    if (!(error instanceof ShapeError)) throw error;
    throw new FormatError(`${path}: its head does not fit this encoder. ${error.message}`, { cause: error });
  }
}

function fieldsOf(path: string, key: string, text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    throw new FormatError(`${path}: ${key} is not JSON (${(error as Error).message}).`, { cause: error });
  }
}

const LARGEST_NUMBER = 65536;

/** Whether a field is a whole number that a head may have. */
export const isWhole = (value: unknown, least: number): boolean =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= LARGEST_NUMBER;

/** What is told of fields that make no head. */
export const unusable = (path: string, { key }: HeadKind) =>
  new FormatError(`${path}: ${key} cannot be used. Write the head again.`);
