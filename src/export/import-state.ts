import { DataError } from "../errors.js";
import type { StoredTensor } from "../formats/safetensors.js";
import { buildBackboneOf } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { shapesOnly } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import { inferSpec, type SpecOptions } from "./infer-spec.js";
import type { Naming } from "./naming/naming.js";
import { namingFor } from "./namings.js";

export interface ImportOptions extends SpecOptions {
  /** Tensors that may be left over, by their names in the file; `*` stands for any text. */
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

/** Tensors that only training reads, or that another library does not have, with the value they start at. */
const FILLED: readonly [RegExp, number][] = [
  [/^mask_token$/, 0],
  [/^norm[012]\.weight$/, 1],
  [/^norm[012]\.bias$/, 0],
  [/\.num_batches_tracked$/, 0],
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
  const inside = [...tensors].filter(([name]) => name.startsWith(prefix));
  const bare = inside.map(([name, x]) => [name.slice(prefix.length), x] as const);
  const present = bare.map(([name]) => name);
  const naming = namingFor(options.names, options.family, present);
  const { ours, unknown, ignored } = sorted(bare, naming, options.ignore ?? []);
  const theirs = (name: string) => prefix + (naming.theirs(name) ?? name);
  const byName = new Map([...ours].map(([name, { shape }]) => [name, shape]));
  const spec = inferSpec({ label, byName, theirs }, options);
  const expected = new Map(
    [...shapesOnly(() => buildBackboneOf(spec)).namedTensors()].map(([name, x]) => [name, x.shape]),
  );
  const filled = [...expected.keys()].filter((name) => !ours.has(name) && startOf(name) !== undefined);
  expectNone(label, {
    missing: [...expected.keys()].filter((name) => !ours.has(name) && startOf(name) === undefined).map(theirs),
    unexpected: [
      ...unknown.map((name) => prefix + name),
      ...[...ours.keys()].filter((name) => !expected.has(name)).map(theirs),
    ],
    misshapen: [...ours].flatMap(([name, { shape }]) => {
      const wanted = expected.get(name);
      const fits = !wanted || formatShape(wanted) === formatShape(shape);
      return fits ? [] : [`${theirs(name)} is ${formatShape(shape)}, expected ${formatShape(wanted)}`];
    }),
  });
  return {
    spec,
    state: new Map([...expected].map(([name, shape]) => [name, ours.get(name) ?? constant(shape, startOf(name)!)])),
    matched: ours.size,
    filled,
    leftOut: [...tensors.keys()].filter((name) => !name.startsWith(prefix)),
    ignored: ignored.map((name) => prefix + name),
  };
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

/** Tensors by our names and in our order, and those that have no place. */
function sorted(tensors: readonly (readonly [string, StoredTensor])[], naming: Naming, ignore: readonly string[]) {
  const patterns = ignore.map(globOf);
  const ours = new Map<string, StoredTensor>();
  const [unknown, ignored]: [string[], string[]] = [[], []];
  for (const [name, x] of tensors) {
    if (naming.computed?.test(name)) continue;
    const own = naming.ours(name);
    if (patterns.some((pattern) => pattern.test(name))) ignored.push(name);
    else if (own === undefined || ours.has(own)) unknown.push(name);
    else ours.set(own, naming.reorder?.(own, x) ?? x);
  }
  return { ours, unknown, ignored };
}

function globOf(glob: string): RegExp {
  const escaped = glob.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`);
}

function startOf(name: string): number | undefined {
  return FILLED.find(([pattern]) => pattern.test(name))?.[1];
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
