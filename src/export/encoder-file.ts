import { readFileSync, writeFileSync } from "node:fs";
import { DataError } from "../errors.js";
import { isBundle, unpackBundle } from "../formats/bundle.js";
import { safetensorsBytes, type TensorOutline } from "../formats/safetensors.js";
import { buildBackboneOf, type Encoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { storedEncoder } from "../models/stored-encoder.js";
import { shapesOnly } from "../tensor/create.js";
import type { ExportDType } from "./dtype.js";
import { encoderBytes } from "./encoder-bundle.js";
import { encoderMetadata, type Provenance } from "./encoder-metadata.js";

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
  encoder: Encoder,
  provenance?: Provenance,
  dtype: ExportDType = "f32",
): number {
  const bytes = encoderBytes(encoder, { provenance, dtype });
  writeFileSync(path, bytes);
  return bytes.length;
}

/** The size in bytes of the file that `writeEncoder` would make of an encoder with that spec. */
export function encoderFileBytes(spec: EncoderSpec, provenance?: Provenance): number {
  const backbone = shapesOnly(() => buildBackboneOf(spec));
  const outlines = [...backbone.namedTensors()].map(([name, { shape }]): [string, TensorOutline] => [
    name,
    { dtype: "F32", shape },
  ]);
  return safetensorsBytes(new Map(outlines), encoderMetadata(spec, provenance));
}

/**
 * Reads an encoder: an extracted file, an edge bundle, or the teacher of a checkpoint, whose heads are left out.
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
  return storedEncoder(isBundle(bytes) ? unpackBundle(bytes, path) : bytes, path);
}
