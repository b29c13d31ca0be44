import { DataError } from "../errors.js";
import type { StoredTensor } from "../formats/safetensors.js";
import { buildBackboneOf } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { shapesOnly } from "../tensor/create.js";
import { inferSpec, type SpecOptions } from "./infer-spec.js";
import type { Naming } from "./naming/naming.js";
import { namingFor } from "./namings.js";

export interface ImportOptions extends SpecOptions {
  /** Tensors that may be left over, by their names in the file; `*` stands for any text. */
  readonly ignore?: readonly string[];
}

/** A checkpoint under our names. */
export interface ImportedState {
  /** With the image size of the file's own positions, if it has such. */
  readonly spec: EncoderSpec;
  /** Complete: what was filled in is there. */
  readonly state: ReadonlyMap<string, StoredTensor>;
  /** How many tensors of the file are in it. */
  readonly matched: number;
  /** Tensors that the file has not and that no output depends on, by our names: they start as in training. */
  readonly filled: readonly string[];
  /** Tensors of the file beside the backbone: heads of pre-training, the other branch, an optimiser. */
  readonly leftOut: readonly string[];
  /** Tensors let go by `ignore`. */
  readonly ignored: readonly string[];
}

/** What a checkpoint may be wrapped in, the teacher before the student. */
const WRAPPERS = ["teacher", "student", "state_dict", "model", "module", "backbone"];

/** Tensors that only training reads, or that another library does not have, with the value they start at. */
const FILLED: readonly [RegExp, number][] = [
  [/^mask_token$/, 0],
  [/^norm[012]\.weight$/, 1],
  [/^norm[012]\.bias$/, 0],
];

/**
 * Translates a checkpoint of another library: names, order of channels, architecture. Strict: every tensor of the file must have its
 * place and every place its tensor, apart from those named in `filled`, `leftOut` and `ignored`.
 *
 * @param tensors  of the file, by its names
 * @param label  what to call it in an error, usually its path
 * @throws DataError listing every missing, unexpected and misshapen tensor by its name in the file
 * @throws FormatError, ConfigError if the architecture cannot be told (see `inferSpec`)
 */
export function importState(
  tensors: ReadonlyMap<string, StoredTensor>,
  label: string,
  options: ImportOptions,
): ImportedState {
  const prefix = prefixOf([...tensors.keys()]);
  const inside = new Map([...tensors].filter(([name]) => name.startsWith(prefix)));
  const bare = [...inside].map(([name, x]) => [name.slice(prefix.length), x] as const);
  const naming = namingFor(options.names, options.family, bare.map(([name]) => name));
  const sorted = sortTensors(bare, naming, globs(options.ignore ?? []));
  const theirs = (name: string) => prefix + (naming.theirs(name) ?? name);
  const byName = new Map([...sorted.ours].map(([name, { shape }]) => [name, shape]));
  const { imageSize, ...asStored } = options;
  const ofStored = options.family === "vit" ? asStored : options; // positions are of the size they were trained at
  const spec = inferSpec({ label, byName, theirs }, ofStored);
  const { state, filled, problems } = fitted(spec, sorted.ours, theirs);
  const unexpected = [...sorted.unknown, ...problems.unexpected.map((name) => naming.theirs(name) ?? name)];
  expectNone(label, { missing: problems.missing, unexpected: unexpected.map((name) => prefix + name), misshapen: problems.misshapen });
  return {
    spec,
    state,
    matched: state.size - filled.length,
    filled,
    leftOut: [...tensors.keys()].filter((name) => !inside.has(name)),
    ignored: sorted.ignored.map((name) => prefix + name),
  };
}
