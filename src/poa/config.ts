import { nearestName } from "../elastic/nearest-name.js";
import { crossChecks } from "./config-checks.js";
import { type Architecture, architectures, describe, fallbackOf, faultOf, type Key } from "./config-key.js";
import { archKey, type Config, type PartialConfig, sections, studentKeys, studentKeysOf } from "./config-keys.js";
import { parseOverride } from "./config-override.js";
import { precisionKeys, precisionNote } from "./config-precision.js";
import { type ConfigProblem, InvalidConfigError, type SettingSource } from "./config-problem.js";
import { type PresetName, presetNames, presets } from "./recipes.js";

export type { Config, PartialConfig, Student } from "./config-keys.js";

/** The preset below a config, and the settings laid over it. */
export interface ResolveOptions {
  /** What `input` is laid over. */
  preset?: PresetName | (string & {});
  /** "key.sub=value", laid over both. */
  overrides?: readonly string[];
}

/** A complete config, and what should be known about it. */
export interface ResolvedConfig {
  readonly config: Config;
  /** Settings that were given but have no effect, one sentence each. */
  readonly notes: readonly string[];
}

/** Unknown keys reported at once; a file of nothing else is no config. */
const MOST_UNKNOWN = 200;

/** The published Swin and ResNet builders do not read these; their values are part of the method. */
const FIXED_OUTSIDE_VIT = ["width_interval", "depth_interval", "net_select_scale"] as const;

interface Entry {
  readonly keys: readonly string[];
  readonly value: unknown;
  readonly source: SettingSource;
}

/** Settings by path, the later source winning, and what could not be read. */
interface Collected {
  readonly given: Map<string, Entry>;
  readonly unknown: Entry[];
  readonly problems: ConfigProblem[];
}

/** The keys that a backbone has, by path; `student.arch` is one of them. */
function keysOf(arch: Architecture): Map<string, Key<unknown>> {
  const keys = new Map<string, Key<unknown>>([["student.arch", archKey]]);
  const student = { ...studentKeys, ...studentKeysOf[arch] };
  for (const [section, members] of Object.entries({ ...sections, student })) {
    for (const [name, key] of Object.entries<Key<unknown>>(members)) keys.set(`${section}.${name}`, key);
  }
  return keys;
}

const keysByArchitecture = new Map(architectures.map((arch) => [arch, keysOf(arch)]));

/** Every path that some backbone knows, and every prefix of one. */
const leaves = new Set([...architectures.flatMap((arch) => [...keysOf(arch).keys()]), ...precisionKeys.keys()]);
const branches = new Set(
  [...leaves].flatMap((path) =>
    path.split(".").flatMap((_, i, parts) => (i === 0 ? [] : [parts.slice(0, i).join(".")])),
  ),
);

/** Every setting that a config of this backbone may have: path, kind, default, meaning. */
export function configKeys(arch: Architecture): ReadonlyMap<string, Key<unknown>> {
  return keysByArchitecture.get(arch)!;
}

/**
 * Lays preset, input and overrides over the official recipe of the backbone, and checks everything.
 *
 * @param input  nested settings, as parsed from YAML or JSON or written as an object; may be partial
 * @returns the complete config, and notes on settings without effect
 * @throws InvalidConfigError (a ConfigError) with every problem found
 */
export function resolveConfig(input: unknown, { preset, overrides = [] }: ResolveOptions = {}): ResolvedConfig {
  const collected: Collected = { given: new Map(), unknown: [], problems: [] };
  if (preset !== undefined) collect(collected, presetSettings(preset), "preset");
  collect(collected, input, "config");
  collectOverrides(collected, overrides);

  const arch = collected.given.get("student.arch")?.value ?? "vit_dynamic";
  const known = isArchitecture(arch) ? arch : undefined;
  const problems = [...collected.problems, ...unknownKeyProblems(collected.unknown, known)];
  const { config, faults } = fill(collected.given, known);
  problems.push(...faults);
  const faulty = new Set(faults.map(({ keys }) => settingPath(keys)));
  if (known) problems.push(...crossProblems(config, collected.given, faulty));
  if (problems.length > 0) throw new InvalidConfigError(problems);
  return { config, notes: notesOn(collected.given, config) };
}

function presetSettings(name: string): PartialConfig {
  const found = presetNames.find((preset) => preset === name);
  if (found) return presets[found].settings;
  const nearest = nearestName(name, presetNames);
  const message = `preset ${JSON.stringify(name)}: expected one of ${presetNames.join(", ")}.`;
  const hint = nearest ? ` Did you mean ${nearest}?` : "";
  throw new InvalidConfigError([{ path: "", keys: [], message: message + hint, nearest, source: "preset" }]);
}

function isArchitecture(value: unknown): value is Architecture {
  return architectures.some((arch) => arch === value);
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Notes the settings below `node`. An empty section is as good as none. */
function collect(into: Collected, node: unknown, source: SettingSource, keys: readonly string[] = []): void {
  if (node === null && keys.length > 0) return;
  if (!isSection(node)) {
    const what = keys.length === 0 ? "config" : keys.join(".");
    const [expected, got] = ["a section with settings", describe(node)];
    const message = `${what}: expected ${expected}, got ${got}.`;
    into.problems.push({ path: keys.join("."), keys, message, expected, got, source });
    return;
  }
  for (const name of Object.keys(node)) {
    if (node[name] === undefined) continue;
    const entry: Entry = { keys: [...keys, name], value: node[name], source };
    const path = entry.keys.join(".");
    if (name.includes(".") || !(leaves.has(path) || branches.has(path))) {
      if (into.unknown.length < MOST_UNKNOWN) into.unknown.push(entry);
    } else if (leaves.has(path)) into.given.set(path, entry);
    else collect(into, entry.value, source, entry.keys);
  }
}

function collectOverrides(into: Collected, overrides: readonly string[]): void {
  for (const override of overrides) {
    const parsed = parseOverride(override);
    if ("problem" in parsed) {
      const message = `override ${JSON.stringify(override)}: ${parsed.problem}.`;
      into.problems.push({ path: "", keys: [], message, source: "override" });
      continue;
    }
    const nested = parsed.keys.reduceRight<unknown>((value, key) => Object.fromEntries([[key, value]]), parsed.value);
    collect(into, nested, "override");
  }
}

function unknownKeyProblems(entries: readonly Entry[], arch: Architecture | undefined): ConfigProblem[] {
  const paths = arch ? [...keysByArchitecture.get(arch)!.keys(), ...precisionKeys.keys()] : [...leaves];
  return entries.map(({ keys, source }) => {
    const path = keys.join(".");
    const nearest = nearestKey(keys, paths);
    const hint = nearest ? ` Did you mean ${nearest}?` : "";
    return { path, keys, message: `${printable(path)} is not a setting.${hint}`, nearest, source };
  });
}

/** The setting or section that an unknown key stands for: its neighbours first, then the same name in another section. */
function nearestKey(keys: readonly string[], paths: readonly string[]): string | undefined {
  const name = keys[keys.length - 1];
  if (paths.includes(name)) return name; // written flat, "optim.lr" instead of a section
  const parent = keys.slice(0, -1).join(".");
  const candidates = new Set(
    paths.flatMap((path) => path.split(".").map((_, i, parts) => parts.slice(0, i + 1).join("."))),
  );
  const siblings = [...candidates].filter((path) => path.slice(0, Math.max(0, path.lastIndexOf("."))) === parent);
  const lastName = (path: string) => path.slice(path.lastIndexOf(".") + 1);
  const sibling = nearestName(name, siblings.map(lastName));
  if (sibling !== undefined) return parent ? `${parent}.${sibling}` : sibling;
  const contains = (path: string) =>
    name.length > 2 && (lastName(path).includes(name) || name.includes(lastName(path)));
  return paths.find((path) => lastName(path) === name) ?? siblings.find(contains);
}

/** A complete config: given values where they are right, official ones elsewhere; and what is wrong with the others. */
function fill(
  given: ReadonlyMap<string, Entry>,
  arch: Architecture | undefined,
): { config: Config; faults: ConfigProblem[] } {
  const keys = keysByArchitecture.get(arch ?? "vit_dynamic")!;
  const config: Record<string, Record<string, unknown>> = {};
  const faults: ConfigProblem[] = [];
  for (const [path, key] of keys) {
    const [section, name] = path.split(".");
    const entry = given.get(path);
    const fault = entry && valueFault(path, key, entry);
    if (fault) faults.push(fault);
    config[section] ??= {};
    config[section][name] = entry && !fault ? copied(entry.value) : copied(fallbackOf(key, arch ?? "vit_dynamic"));
  }
  for (const [path, entry] of given) {
    if (keys.has(path)) continue;
    const precision = precisionKeys.get(path);
    const fault = precision ? valueFault(path, precision, entry) : arch && foreignKey(path, entry, arch);
    if (fault) faults.push(fault);
  }
  return { config: config as unknown as Config, faults };
}

function copied(value: unknown): unknown {
  return Array.isArray(value) ? [...value] : value;
}

function valueFault(path: string, key: Key<unknown>, { keys, value, source }: Entry): ConfigProblem | undefined {
  const fault = faultOf(key, value);
  if (!fault) return undefined;
  const { expected, got, hint, index } = fault;
  const place = index === undefined ? path : `${path}[${index}]`;
  const message = `${place}: expected ${expected}, got ${got}${hint ? `; ${hint}` : ""}${hint?.endsWith("?") ? "" : "."}`;
  return { path: place, keys: index === undefined ? keys : [...keys, index], message, expected, got, source };
}

/** A setting of another backbone. */
function foreignKey(path: string, { keys, source }: Entry, arch: Architecture): ConfigProblem {
  const owners = architectures.filter((other) => keysByArchitecture.get(other)!.has(path));
  const name = keys[keys.length - 1];
  const own = [...keysByArchitecture.get(arch)!.keys()]
    .filter((other) => other.startsWith("student."))
    .map((other) => other.slice(8));
  const sibling = nearestName(name, own);
  const nearest = sibling && `student.${sibling}`;
  const hint = nearest ? ` Did you mean ${nearest}?` : "";
  const message = `${path} belongs to ${owners.join(" and ")}; student.arch is ${arch}.${hint}`;
  return { path, keys, message, nearest, source };
}

/** The path of the setting that a problem is about, without a list index. */
function settingPath(keys: readonly (string | number)[]): string {
  return keys.filter((key) => typeof key === "string").join(".");
}

/** What does not fit together. Checks that involve an already faulty setting are left out. */
function crossProblems(
  config: Config,
  given: ReadonlyMap<string, Entry>,
  faulty: ReadonlySet<string>,
): ConfigProblem[] {
  return crossChecks.flatMap(({ paths, check }) => {
    if (paths.some((path) => faulty.has(path))) return [];
    const found = check(config);
    if (found === undefined) return [];
    const writtenBy = (sources: readonly SettingSource[]) =>
      paths.find((candidate) => sources.includes(given.get(candidate)?.source ?? "default"));
    const path = writtenBy(["config", "override"]) ?? writtenBy(["preset"]) ?? paths[0];
    return [{ path, keys: path.split("."), message: found, source: given.get(path)?.source ?? ("default" as const) }];
  });
}

function notesOn(given: ReadonlyMap<string, Entry>, config: Config): string[] {
  const notes = new Set<string>();
  const keys = keysByArchitecture.get(config.student.arch)!;
  for (const [path, { value, source }] of given) {
    const key = keys.get(path);
    if (precisionKeys.has(path)) notes.add(precisionNote);
    else if (key?.inert && source !== "preset" && value !== fallbackOf(key, config.student.arch))
      notes.add(`${path} has no effect: ${key.inert}.`);
  }
  const { student } = config;
  if (student.arch !== "vit_dynamic") {
    for (const name of FIXED_OUTSIDE_VIT) {
      if (student[name] === fallbackOf(studentKeys[name], student.arch)) continue;
      notes.add(`student.${name} has no effect: the search space of ${student.arch} has fixed steps and weights.`);
    }
  }
  return [...notes];
}

/** A path as it may stand in a message: odd characters escaped, length bounded. */
function printable(path: string): string {
  const short = path.length > 80 ? `${path.slice(0, 80)}…` : path;
  return /^[\w.[\]-]+$/.test(short) ? short : JSON.stringify(short);
}
