import { readFileSync, writeFileSync } from "node:fs";
import { DataError } from "../errors.js";
import { isBundle, packBundle, unpackBundle } from "../formats/bundle.js";
import { type StoredTensor, safetensorsBytes, type TensorOutline, writeSafetensors } from "../formats/safetensors.js";
import { buildBackboneOf, type Encoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { BANK, CLASSIFIER_KEY, HEAD, type StoredBank, type StoredHead } from "../models/stored-classifier.js";
import { BACKBONE, storedEncoder } from "../models/stored-encoder.js";
import { shapesOnly } from "../tensor/create.js";
import { type BundleDType, type ExportDType, storedState } from "./dtype.js";
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
  const bytes = safetensorsOf(encoder, provenance, dtype);
  writeFileSync(path, bytes);
  return bytes.length;
}

/** What goes into an edge bundle beside the network. */
export interface BundleOptions {
  readonly provenance?: Provenance;
  /** Of weights; default f32. */
  readonly dtype?: BundleDType;
  /** What `classify` is to use. */
  readonly classifier?: StoredBank | StoredHead;
}

/**
 * What `writeEncoder` writes as an edge bundle: behind a format version and a checksum, for `loadEncoder` of poa/edge.
 *
 * @throws NumericError for a weight beyond f16, of int8 for one that is not finite
 */
export function encoderBundle(
  encoder: Encoder,
  { provenance, dtype = "f32", classifier }: BundleOptions = {},
): Uint8Array {
  if (!classifier) return packBundle(safetensorsOf(encoder, provenance, dtype));
  const network = storedState(encoder.backbone, dtype);
  const tensors = new Map([...network].map(([name, x]) => [BACKBONE + name, x]));
  const metadata = encoderMetadata(encoder.spec, provenance);
  const { beside, about } = besideNetwork(classifier);
  for (const [name, x] of beside) tensors.set(name, x);
  return packBundle(writeSafetensors(tensors, metadata.set(CLASSIFIER_KEY, JSON.stringify(about))));
}

/** A classifier's tensors and the rest of it. */
function besideNetwork(classifier: StoredBank | StoredHead): { beside: [string, StoredTensor][]; about: object } {
  if ("labels" in classifier) {
    const { features, labels, ...about } = classifier;
    const stored: StoredTensor = { dtype: "I32", shape: [labels.length], data: labels };
    return {
      about,
      beside: [
        [`${BANK}features`, features],
        [`${BANK}labels`, stored],
      ],
    };
  }
  const { weight, bias, ...about } = classifier;
  return {
    about,
    beside: [
      [`${HEAD}weight`, weight],
      [`${HEAD}bias`, bias],
    ],
  };
}

function safetensorsOf({ backbone, spec }: Encoder, provenance: Provenance | undefined, dtype: BundleDType) {
  return writeSafetensors(storedState(backbone, dtype), encoderMetadata(spec, provenance));
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
