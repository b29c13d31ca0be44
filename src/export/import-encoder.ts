import { noGrad, step } from "../autograd/tape.js";
import { ConfigError, FormatError } from "../errors.js";
import { type StoredTensor, toFloat32 } from "../formats/safetensors.js";
import { buildEncoder, type Encoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { positionFor } from "../nn/pos-embed.js";
import { fromArray } from "../tensor/create.js";
import { readCheckpoint } from "./checkpoint-tensors.js";
import { type ImportedState, type ImportOptions, importState } from "./import-state.js";

/** An imported encoder, and what became of the tensors of its file. */
export interface ImportedEncoder extends Omit<ImportedState, "spec" | "state"> {
  readonly encoder: Encoder;
}

/**
 * An encoder from a checkpoint of another library. Needs a runtime.
 *
 * @param options.imageSize  of a ViT: its positions are resized from the trained grid (spec §2.5)
 * @throws see `readCheckpoint` and `importState`
 */
export function importEncoder(path: string, options: ImportOptions): ImportedEncoder {
  const { spec, state, ...report } = importState(readCheckpoint(path), path, options);
  const values = new Map([...state].map(([name, x]) => [name, { shape: x.shape, data: floats(path, name, x) }]));
  const encoder = buildEncoder(...withImageSize(spec, values, options.imageSize));
  return { encoder, ...report };
}

type State = Map<string, { shape: readonly number[]; data: Float32Array }>;

function floats(path: string, name: string, x: StoredTensor): Float32Array {
  if (/^(I|U|BOOL)/.test(x.dtype))
    throw new FormatError(`${path}: ${name} holds ${x.dtype}, not floating-point numbers.`);
  return toFloat32(x);
}

function withImageSize(spec: EncoderSpec, state: State, imageSize = spec.imageSize): [EncoderSpec, State] {
  const changed = { ...spec, imageSize };
  if (spec.family !== "vit" || imageSize === spec.imageSize) return [changed, state];
  if (imageSize % spec.patchSize !== 0 || imageSize < spec.patchSize)
    throw new ConfigError(`--image-size ${imageSize} is not a multiple of the patch size ${spec.patchSize}.`);
  const { shape, data } = state.get("pos_embed")!;
  const [, entries, width] = shape;
  const side = imageSize / spec.patchSize;
  const resized = step(() =>
    noGrad(() => positionFor(fromArray(data, [entries, width]), side, side).toArray() as Float32Array),
  );
  return [changed, new Map([...state, ["pos_embed", { shape: [1, 1 + side * side, width], data: resized }]])];
}
