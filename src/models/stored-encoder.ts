import { ConfigError, DTypeError, FormatError, ShapeError } from "../errors.js";
import { readSafetensors, type SafetensorsFile, type StoredTensor } from "../formats/safetensors.js";
import { keepInt8 } from "../ops/int8.js";
import { shapesOnly } from "../tensor/create.js";
import { buildBackboneOf, buildEncoder, type Encoder } from "./encoder.js";
import type { EncoderSpec } from "./encoder-spec.js";
import { blockCount, parseSpec, SPEC_KEY } from "./stored-spec.js";
import { storedWeights } from "./stored-weights.js";

/** Prefix of the backbone in a file that holds heads beside it: a run's teacher, a bundle that classifies. */
export const BACKBONE = "backbone.";

/**
 * The frozen encoder in the bytes of a safetensors file; of a run's teacher, whose heads are left out, too. Weights of
 * eight bits are multiplied as such (ops/int8.ts).
 *
 * @param label  what to call the file in an error, usually its path
 * @throws FormatError if it is damaged, or holds no encoder of this library
 */
export function storedEncoder(bytes: Uint8Array, label: string): Encoder {
  return encoderIn(readSafetensors(bytes, label), label);
}

/** The same from a file that has been read. */
export function encoderIn({ tensors, metadata }: SafetensorsFile, label: string): Encoder {
  const spec = parseSpec(label, metadata.get(SPEC_KEY));
  const own = ownTensors(tensors);
  try {
    expectHeld(label, spec, own);
    const { state, int8 } = storedWeights(label, own);
    const encoder = buildEncoder(spec, state);
    keepInt8Of(encoder, int8);
    return encoder;
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof DTypeError || error instanceof ConfigError)) throw error;
    throw new FormatError(`${label}: its tensors are not those of the network it names. ${error.message}`, {
      cause: error,
    });
  }
}

/** Products by whole numbers with the named weights; a window of several taps has none, since its tiles are faster. */
function keepInt8Of({ backbone }: Encoder, names: readonly string[]): void {
  const weights = backbone.stateDict();
  for (const name of names) {
    const weight = weights.get(name)!;
    if (weight.shape.slice(2).every((taps) => taps === 1)) keepInt8(weight);
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
