import { DataError } from "../errors.js";
import type { StoredTensor } from "../formats/safetensors.js";
import { buildBackboneOf } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { shapesOnly } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import { inferSpec, type SpecOptions } from "./infer-spec.js";
import type { Family } from "./names.js";
import type { Naming } from "./naming/naming.js";
import { namingFor } from "./namings.js";

/** What is known about a checkpoint beside its tensors. */
export interface ImportOptions extends SpecOptions {
  /** Tensors of the backbone's part of the file that may be left over, without its prefix; `*` stands for any text. */
  readonly ignore?: readonly string[];
}

/** A checkpoint under our names. */
export interface ImportedState {
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

/** Tensors that no feature depends on, or that another library does not have, with the value they start at. */
const FILLED: Readonly<Record<Family, readonly [RegExp, number][]>> = {
  vit: [[/^mask_token$/, 0]],
  swin: [
    [/^mask_token$/, 0],
    [/^norm[012]\.weight$/, 1],
    [/^norm[012]\.bias$/, 0],
  ],
  resnet: [
    [/^mask_token$/, 0],
    [/\.num_batches_tracked$/, 0],
  ],
};

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
  const inside = [...tensors].filter(([name]) => name.startsWith(prefix));
  const bare = inside.map(([name, x]) => [name.slice(prefix.length), x] as const);
  const present = bare.map(([name]) => name);
  const naming = namingFor(options.names, options.family, present);
  const { ours, unknown } = sorted(bare, naming);
  const theirs = (name: string) => prefix + (naming.theirs(name) ?? name);
  const byName = new Map([...ours].map(([name, { shape }]) => [name, shape]));
  const spec = inferSpec({ label, byName, theirs }, options);
  const expected = shapesOf(spec);
  const absent = [...expected.keys()].filter((name) => !ours.has(name));
  const start = (name: string) => FILLED[options.family].find(([pattern]) => pattern.test(name))?.[1];
  const over = [
    ...unknown.map((name) => prefix + name),
    ...[...ours.keys()].filter((name) => !expected.has(name)).map(theirs),
  ];
  const ignored = over.filter((name) => options.ignore?.some((glob) => globOf(glob).test(name.slice(prefix.length))));
  expectNone(label, {
    missing: absent.filter((name) => start(name) === undefined).map(theirs),
    unexpected: over.filter((name) => !ignored.includes(name)),
    misshapen: [...expected].flatMap(([name, shape]) => {
      const given = byName.get(name) ?? shape;
      return formatShape(given) === formatShape(shape)
        ? []
        : [`${theirs(name)} is ${formatShape(given)}, expected ${formatShape(shape)}`];
    }),
  });
  return {
    spec,
    state: new Map([...expected].map(([name, shape]) => [name, ours.get(name) ?? constant(shape, start(name)!)])),
    matched: expected.size - absent.length,
    filled: absent,
    leftOut: [...tensors.keys()].filter((name) => !name.startsWith(prefix)),
    ignored,
  };
}

function shapesOf(spec: EncoderSpec): Map<string, readonly number[]> {
  const tensors = shapesOnly(() => buildBackboneOf(spec)).namedTensors();
  return new Map([...tensors].map(([name, x]) => [name, x.shape]));
}

/** What stands before the names of the backbone. */
function prefixOf(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const wrapper = WRAPPERS.find((word) => names.some((name) => name.startsWith(`${prefix}${word}.`)));
    if (wrapper === undefined) return prefix;
    prefix += `${wrapper}.`;
  }
}

/** Tensors by our names and in our order, and the names that we have no place for. */
function sorted(tensors: readonly (readonly [string, StoredTensor])[], naming: Naming) {
  const ours = new Map<string, StoredTensor>();
  const unknown: string[] = [];
  for (const [name, x] of tensors) {
    if (naming.computed?.test(name)) continue;
    const own = naming.ours(name);
    if (own === undefined || ours.has(own)) unknown.push(name);
    else ours.set(own, naming.convert?.(own, x, "ours") ?? x);
  }
  return { ours, unknown };
}

function globOf(glob: string): RegExp {
  const escaped = glob.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`);
}

function constant(shape: readonly number[], value: number): StoredTensor {
  const count = shape.reduce((product, extent) => product * extent, 1);
  return { dtype: "F32", shape, data: new Float32Array(count).fill(value) };
}

function expectNone(label: string, problems: Readonly<Record<string, readonly string[]>>): void {
  const lines = Object.entries(problems).flatMap(([kind, names]) => names.map((name) => `  ${kind} ${name}`));
  if (lines.length === 0) return;
  const counts = Object.entries(problems).map(([kind, names]) => `${names.length} ${kind}`);
  throw new DataError(
    `${label} does not fit: ${counts.join(", ")}.\n${lines.join("\n")}\nLet what is left over go with --ignore, as in --ignore 'head.*'.`,
  );
}
