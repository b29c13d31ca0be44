import { readFile } from "node:fs/promises";
import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, visit } from "yaml";
import { nearestName } from "../elastic/nearest-name.js";
import { ConfigError } from "../errors.js";
import { type ResolvedConfig, resolveConfig } from "../poa/config.js";
import { type ConfigProblem, InvalidConfigError } from "../poa/config-problem.js";
import { presetNames } from "../poa/recipes.js";

/** What is said instead of the YAML library's own message. */
const OWN_WORDS: ReadonlyMap<string, string> = new Map([
  ["DUPLICATE_KEY", "this key stands twice in its section."],
  ["MULTIPLE_DOCS", "a second document starts here; a config is one."],
]);

const LARGEST_FILE = 1 << 16;
/** Bounds on nesting, checked before parsing: a parser that recurses to the end of the stack can take the process with it. */
const MOST_BRACKETS = 200;
const DEEPEST_INDENT = 100;
const MOST_PROBLEMS = 50;
const LONGEST_LINE = 160;
/** Sorts behind every offset of a file. */
const NOT_IN_FILE = Number.MAX_SAFE_INTEGER;

/** Something wrong at a byte offset of the file. */
interface Finding {
  readonly offset: number;
  readonly message: string;
}

const YAML_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  uniqueKeys: true,
  strict: true,
  prettyErrors: false,
  logLevel: "error",
} as const;

/**
 * The config of `--config`: a preset's name or a YAML file, with `key.sub=value` arguments laid over it.
 *
 * @param nameOrFile  a preset wins over a file of the same name; write ./name for the file
 * @throws ConfigError (InvalidConfigError for wrong settings) naming file, line and column of every problem
 */
export async function loadConfig(nameOrFile: string, overrides: readonly string[] = []): Promise<ResolvedConfig> {
  const preset = presetNames.find((name) => name === nameOrFile);
  if (preset) return resolveConfig({}, { preset, overrides });
  return parseConfigFile(await readConfigText(nameOrFile), { file: nameOrFile, overrides });
}

async function readConfigText(file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (bytes.length > LARGEST_FILE) {
    throw new ConfigError(`${file}: ${bytes.length} bytes are too many for a config file; at most ${LARGEST_FILE}.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(`${file}: not UTF-8 text. A config is a YAML file.`);
  }
}

function unreadable(file: string, error: unknown): ConfigError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EISDIR") return new ConfigError(`${file} is a folder; expected a YAML file or a preset.`);
  const reason = error instanceof Error ? error.message : String(error);
  if (code !== "ENOENT") return new ConfigError(`${file} cannot be read: ${reason}`);
  const nearest = nearestName(file, presetNames);
  return new ConfigError(
    `config ${JSON.stringify(file)}: no preset and no file of this name.${nearest ? ` Did you mean ${nearest}?` : ""} ` +
      `Presets: ${presetNames.join(", ")}.`,
  );
}

/**
 * Reads a config from YAML 1.2 text (core schema). Aliases, merge keys and tags are refused.
 *
 * @param options.file  name for messages
 * @throws InvalidConfigError with every problem, one block of file:line:column, message and source line each
 */
export function parseConfigFile(
  text: string,
  { file, overrides = [] }: { file: string; overrides?: readonly string[] },
): ResolvedConfig {
  const lines = new LineCounter();
  const source = new SourceText(file, text, lines);
  const { contents, findings, input } = readYaml(text, lines, file);
  let resolved: ResolvedConfig | undefined;
  let problems: readonly ConfigProblem[] = [];
  try {
    if (input !== undefined) resolved = resolveConfig(input, { overrides });
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error;
    problems = error.problems;
  }
  if (!resolved || findings.length > 0) throw source.invalid(findings, problems, contents);
  return resolved;
}

interface ReadYaml {
  readonly contents: Node | null;
  /** What YAML itself objects to, and what a config does not use. */
  readonly findings: readonly Finding[];
  /** The text as plain objects and arrays; undefined if it is too broken to look further or holds aliases. */
  readonly input: unknown;
}

function readYaml(text: string, lineCounter: LineCounter, file: string): ReadYaml {
  refuseDeepNesting(text, file);
  try {
    const document = parseDocument(text, { ...YAML_OPTIONS, lineCounter });
    const objections = [...document.errors, ...document.warnings].map(({ pos, message, code }) => ({
      offset: pos[0],
      message: OWN_WORDS.get(code) ?? sentence(message),
    }));
    const unsupported: Finding[] = [];
    const refuse = (node: unknown, message: string) => void unsupported.push({ offset: startOf(node) ?? 0, message });
    visit(document, {
      Alias: (_, node) => refuse(node, `alias *${node.source}: a config has no aliases; write the value out.`),
      Pair(_, { key }) {
        if (isScalar(key)) return undefined;
        refuse(key, "a key is a word, not a list or a section.");
        return visit.SKIP;
      },
    });
    const readable = unsupported.length === 0 && document.errors.every(({ code }) => code === "DUPLICATE_KEY");
    const input = readable ? document.toJS({ maxAliasCount: 0 }) : undefined;
    return { contents: document.contents, findings: [...objections, ...unsupported], input };
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError(`${file}: nested too deeply for a config.`);
    throw error;
  }
}

function refuseDeepNesting(text: string, file: string): void {
  const brackets = text.match(/[[{]/g)?.length ?? 0;
  const indented = new RegExp(`^[ \\t?:-]{${DEEPEST_INDENT}}`, "m").test(text);
  if (brackets > MOST_BRACKETS || indented) throw new ConfigError(`${file}: nested too deeply for a config.`);
}

function sentence(message: string): string {
  return /[.?!]$/.test(message) ? message : `${message}.`;
}

/** Where the value (or else the key) of a setting stands. */
function offsetOf(
  contents: Node | null,
  keys: readonly (string | number)[],
  part: "key" | "value",
): number | undefined {
  let node: unknown = contents;
  let offset: number | undefined;
  for (const [depth, key] of keys.entries()) {
    if (isSeq(node) && typeof key === "number") {
      node = node.items[key];
      offset = startOf(node) ?? offset;
      continue;
    }
    const pair: Pair | undefined = isMap(node) ? node.items.find((item) => nameOf(item.key) === key) : undefined;
    if (!pair) return undefined;
    const keyOffset = startOf(pair.key);
    node = pair.value;
    const last = depth === keys.length - 1;
    offset = last && part === "key" ? keyOffset : (startOf(node) ?? keyOffset);
  }
  return offset;
}

function nameOf(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The offset that a problem is about; undefined if it is not in the file. */
function placeOf({ keys, source, got }: ConfigProblem, contents: Node | null): number | undefined {
  if (source !== "config") return undefined;
  if (keys.length === 0) return 0;
  return offsetOf(contents, keys, got === undefined ? "key" : "value");
}

/** The text of a config file, for messages that point into it. */
class SourceText {
  private readonly file: string;
  private readonly rows: readonly string[];
  private readonly counter: LineCounter;

  constructor(file: string, text: string, counter: LineCounter) {
    this.file = file;
    this.rows = text.split("\n");
    this.counter = counter;
  }

  /** One error from everything found, in the order of the file; problems that are not in the file come last. */
  invalid(findings: readonly Finding[], problems: readonly ConfigProblem[], contents: Node | null): InvalidConfigError {
    const placed = [
      ...findings.map(({ offset, message }) => ({ offset, problem: syntaxProblem(message) })),
      ...problems.map((problem) => ({ offset: placeOf(problem, contents), problem })),
    ].sort((a, b) => (a.offset ?? NOT_IN_FILE) - (b.offset ?? NOT_IN_FILE));
    const located = placed.map(({ offset, problem }) => ({
      ...problem,
      location: offset === undefined ? undefined : this.locate(offset),
    }));
    const shown = located.slice(0, MOST_PROBLEMS).map((problem) => this.describe(problem));
    const rest = located.length - shown.length;
    return new InvalidConfigError(located, rest > 0 ? [...shown, `and ${rest} more.`] : shown);
  }

  private locate(offset: number): NonNullable<ConfigProblem["location"]> {
    const { line, col } = this.counter.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }

  private describe({ message, source, location }: ConfigProblem): string {
    if (!location) return source === "override" ? `command line: ${message}` : `${this.file}: ${message}`;
    const { line, column } = location;
    const head = `${this.file}:${line}:${column}: ${message}`;
    if (column > LONGEST_LINE) return head;
    const gutter = `${line} | `.padStart(8);
    const row = (this.rows[line - 1] ?? "")
      .replace(/\p{Cc}/gu, " ")
      .slice(0, LONGEST_LINE)
      .trimEnd();
    return `${head}\n${gutter}${row}\n${" ".repeat(gutter.length + column - 1)}^`;
  }
}

function syntaxProblem(message: string): ConfigProblem {
  return { path: "", keys: [], message, source: "config" };
}
