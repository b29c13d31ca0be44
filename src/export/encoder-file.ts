import { readFileSync, writeFileSync } from "node:fs";
import { ConfigError, DataError, DTypeError, FormatError, ShapeError } from "../errors.js";
import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "../formats/safetensors.js";
import { buildBackboneOf, buildEncoder, type Encoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { shapesOnly } from "../tensor/create.js";
import { type ExportDType, storedState } from "./dtype.js";
import { blockCount, encoderMetadata, type Provenance, parseSpec, SPEC_KEY } from "./encoder-metadata.js";

/** Prefix of the backbone in a run's teacher file, which holds the heads beside it. */
const BACKBONE = "backbone.";

/**
 * Writes an encoder as a stand-alone safetensors file. The metadata hold its spec, what images must go through, and where it
 * comes from.
 *
 * @param dtype  of weights with two axes or more
 * @returns the size in bytes
 * @throws NumericError for a weight beyond f16
 */
export function writeEncoder(
  path: string,
  { backbone, spec }: Encoder,
  provenance?: Provenance,
  dtype: ExportDType = "f32",
): number {
  const bytes = writeSafetensors(storedState(backbone, dtype), encoderMetadata(spec, provenance));
  writeFileSync(path, bytes);
  return bytes.length;
}

/**
 * Reads an encoder: an extracted file, or the teacher of a checkpoint, whose heads are left out.
 *
 * @throws DataError if the file is not there
 * @throws FormatError if it is damaged, or holds no encoder of this library
 */
export function readEncoder(path: string): Encoder {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const { tensors, metadata } = readSafetensors(bytes, path);
  const spec = parseSpec(path, metadata.get(SPEC_KEY));
  const own = ownTensors(tensors);
  try {
    expectHeld(path, spec, own);
    const state = [...own].map(([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32(tensor) }] as const);
    return buildEncoder(spec, new Map(state));
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof DTypeError || error instanceof ConfigError)) throw error;
    throw new FormatError(`${path}: its tensors are not those of the network it names. ${error.message}`, {
      cause: error,
    });
  }
}

/** The backbone's tensors; those of a run's teacher stand beside its heads. */
function ownTensors(tensors: ReadonlyMap<string, StoredTensor>): ReadonlyMap<string, StoredTensor> {
  const ofBackbone = [...tensors].filter(([name]) => name.startsWith(BACKBONE));
  if (ofBackbone.length === 0) return tensors;
  return new Map(ofBackbone.map(([name, x]) => [name.slice(BACKBONE.length), x]));
}

/** A network of up to so many times the numbers of its file is built, so that loading can tell what is missing. */
const LARGEST_EXCESS = 2;

/** Compares a spec with the tensors of a file before memory is taken for its network; a block has a tensor at least. */
function expectHeld(path: string, spec: EncoderSpec, tensors: ReadonlyMap<string, StoredTensor>): void {
  const held = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const needed = () =>
    [...shapesOnly(() => buildBackboneOf(spec)).namedTensors()].reduce((sum, [, x]) => sum + x.numel, 0);
  if (blockCount(spec) > tensors.size || !(needed() <= LARGEST_EXCESS * held)) {
    throw new FormatError(`${path}: its tensors are not those of the network it names, which is larger.`);
  }
}
