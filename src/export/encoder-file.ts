import { readFileSync, writeFileSync } from "node:fs";
import { DataError, FormatError, ShapeError } from "../errors.js";
import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "../formats/safetensors.js";
import { buildEncoder, type Encoder, type EncoderSpec } from "../models/encoder.js";

const SPEC_KEY = "poa.model";
const SIZES = ["imageSize", "patchSize", "channels", "width", "depth", "headDim"] as const;
const LARGEST_SIZE = 65536;
/** Prefix of the backbone in a run's teacher file, which holds the heads beside it. */
const BACKBONE = "backbone.";

/** Writes an encoder as a stand-alone safetensors file; its spec goes into the metadata. Returns the size in bytes. */
export function writeEncoder(path: string, { backbone, spec }: Encoder): number {
  const tensors = new Map<string, StoredTensor>(
    [...backbone.stateDict()].map(([name, x]) => [
      name,
      { dtype: "F32", shape: x.shape, data: x.toArray() as Float32Array },
    ]),
  );
  const bytes = writeSafetensors(
    tensors,
    new Map([
      [SPEC_KEY, JSON.stringify(spec)],
      ["format", "pt"],
    ]),
  );
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
  const inRun = [...tensors.keys()].some((name) => name.startsWith(BACKBONE));
  const own = inRun
    ? [...tensors]
        .filter(([name]) => name.startsWith(BACKBONE))
        .map(([name, x]) => [name.slice(BACKBONE.length), x] as const)
    : [...tensors];
  const state = new Map(own.map(([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32(tensor) }]));
  try {
    return buildEncoder(spec, state);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new FormatError(`${path}: its tensors are not those of the network it names. ${error.message}`, {
      cause: error,
    });
  }
}

function parseSpec(path: string, text: string | undefined): EncoderSpec {
  if (text === undefined) {
    throw new FormatError(
      `${path} does not say which network it holds (no ${SPEC_KEY} in its metadata). Extract it with \`poa subnets extract\`.`,
    );
  }
  let spec: Partial<EncoderSpec>;
  try {
    spec = JSON.parse(text) ?? {};
  } catch (error) {
    throw new FormatError(`${path}: ${SPEC_KEY} is not JSON (${(error as Error).message}).`, { cause: error });
  }
  const wrong = SIZES.filter((key) => !(Number.isInteger(spec[key]) && spec[key]! > 0 && spec[key]! <= LARGEST_SIZE));
  const channels = (values: unknown) => Array.isArray(values) && values.length === spec.channels;
  if (wrong.length > 0 || !channels(spec.mean) || !channels(spec.std)) {
    throw new FormatError(
      `${path}: ${SPEC_KEY} lacks a usable ${wrong[0] ?? "mean and std"}. Extract the encoder again.`,
    );
  }
  return spec as EncoderSpec;
}
