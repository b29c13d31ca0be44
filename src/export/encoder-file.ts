import { readFileSync, writeFileSync } from "node:fs";
import { DataError, DTypeError, FormatError, ShapeError } from "../errors.js";
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
  const held = own.reduce((sum, [, { data }]) => sum + data.length, 0);
  if (held < leastNumbers(spec)) {
    throw new FormatError(`${path}: its tensors are not those of the network it names, which is larger.`);
  }
  try {
    const state = own.map(([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32(tensor) }] as const);
    return buildEncoder(spec, new Map(state));
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof DTypeError)) throw error;
    throw new FormatError(`${path}: its tensors are not those of the network it names. ${error.message}`, {
      cause: error,
    });
  }
}

/** Weights of the linear layers and of the embeddings: a bound that is checked before anything is allocated. */
function leastNumbers({ width, depth, mlpRatio, channels, patchSize, imageSize }: EncoderSpec): number {
  const perBlock = (4 + 2 * mlpRatio) * width * width;
  return depth * perBlock + width * (channels * patchSize ** 2 + (imageSize / patchSize) ** 2);
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
  const wrong: string[] = SIZES.filter(
    (key) => !(Number.isInteger(spec[key]) && spec[key]! > 0 && spec[key]! <= LARGEST_SIZE),
  );
  if (!(typeof spec.mlpRatio === "number" && spec.mlpRatio > 0)) wrong.push("mlpRatio");
  const channels = (values: unknown) => Array.isArray(values) && values.length === spec.channels;
  if (wrong.length > 0 || !channels(spec.mean) || !channels(spec.std)) {
    throw new FormatError(
      `${path}: ${SPEC_KEY} lacks a usable ${wrong[0] ?? "mean and std"}. Extract the encoder again.`,
    );
  }
  return spec as EncoderSpec;
}
