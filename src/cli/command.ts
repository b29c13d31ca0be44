import { parseArgs } from "node:util";
import { nearestName } from "../elastic/nearest-name.js";
import { ConfigError } from "../errors.js";
import { THREADS_VARIABLE } from "../runtime/threads.js";
import type { Output } from "./output.js";

/** An option of a verb. `value` names what follows it; without it the option is a switch. */
export interface Option {
  readonly about: string;
  readonly value?: string;
  readonly fallback?: string;
  /** One letter that means the same. */
  readonly short?: string;
}

/** A verb of the program. */
export interface Command {
  /** As typed: "pretrain", "eval knn". */
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** What stands behind the verb: "RUN", "MODEL". */
  readonly operands?: readonly string[];
  /** What may follow behind them, in any number. */
  readonly more?: string;
  /** Whether `key.sub=value` arguments are taken. */
  readonly overrides?: boolean;
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly string[];
  /** Exit code; none = 0. */
  run(call: Call, output: Output): Promise<number | undefined>;
}

/** What was typed behind a verb. */
export interface Call {
  readonly operands: readonly string[];
  readonly overrides: readonly string[];
  /** Text of an option, its default included. */
  text(name: string): string | undefined;
  /** @throws ConfigError if it was not given */
  required(name: string): string;
  /** @throws ConfigError unless a whole number of at least `min` */
  integer(name: string, min?: number): number | undefined;
  flag(name: string): boolean;
  /** Of `--threads`; what init() takes. */
  readonly threads: number | "all" | undefined;
  /** Of `--simd`. */
  readonly simd: "plain" | "relaxed";
}

/** Options that every verb has. */
export const commonOptions: Readonly<Record<string, Option>> = {
  json: { about: "print JSON lines on stdout, the result last" },
  quiet: { about: "no progress and no notes on stderr" },
  threads: { value: "N|all", about: "threads that compute (default POA_THREADS, else all)" },
  simd: { value: "plain|relaxed", fallback: "plain", about: "kernels; relaxed is faster, not bit-equal across hosts" },
  debug: { about: "print stack traces of errors" },
  help: { about: "this text", short: "h" },
};

/**
 * Parses what stands behind a verb.
 *
 * @throws ConfigError for unknown options, missing or superfluous operands
 */
export function parseCall(command: Command, argv: readonly string[]): Call {
  const options = { ...command.options, ...commonOptions };
  const { values, positionals } = parseStrictly(command, options, argv);
  const isOverride = (word: string) => command.overrides === true && /^[A-Za-z_][\w.]*=/.test(word);
  const operands = positionals.filter((word) => !isOverride(word));
  const expected = command.operands ?? [];
  const usage = `Expected: poa ${wordsOf(command)}. See poa ${command.name} --help.`;
  if (operands.length < expected.length && !values.help)
    throw new ConfigError(`${command.name}: ${expected[operands.length]} is missing. ${usage}`);
  if (operands.length > expected.length && !command.more)
    throw new ConfigError(
      `${command.name}: ${JSON.stringify(operands[expected.length])} is one argument too many. ${usage}`,
    );
  const text = (name: string) => (values[name] as string | undefined) ?? options[name]?.fallback;
  const integer = (name: string, min = 0) => {
    const given = text(name);
    if (given === undefined) return undefined;
    const n = Number(given);
    if (!/^\d+$/.test(given) || !Number.isSafeInteger(n) || n < min) {
      throw new ConfigError(
        `${command.name}: --${name} is ${JSON.stringify(given)}, expected a whole number from ${min} on.`,
      );
    }
    return n;
  };
  return {
    operands,
    overrides: positionals.filter(isOverride),
    text,
    integer,
    threads: text("threads") === "all" ? "all" : (integer("threads", 1) ?? defaultThreads()),
    simd: simdBuild(command, text("simd")),
    flag: (name) => values[name] === true,
    required(name) {
      const given = text(name);
      if (given === undefined)
        throw new ConfigError(`${command.name}: --${name} ${options[name].value} is missing. ${usage}`);
      return given;
    },
  };
}

function simdBuild(command: Command, given = "plain"): Call["simd"] {
  if (given === "plain" || given === "relaxed") return given;
  throw new ConfigError(`${command.name}: --simd is ${JSON.stringify(given)}, expected plain or relaxed.`);
}

/** A command takes all cores unless the environment says otherwise; then init() reads it. */
const defaultThreads = () => (process.env[THREADS_VARIABLE] ? undefined : "all");

function parseStrictly(command: Command, options: Readonly<Record<string, Option>>, argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { value, short }]) => [
          name,
          { type: value ? "string" : "boolean", ...(short && { short }) } as const,
        ]),
      ),
    });
  } catch (error) {
    const message = (error as Error).message;
    const unknown = /'--?([^' ]+)'/.exec(message)?.[1] ?? "";
    if ((error as NodeJS.ErrnoException).code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
      const nearest = nearestName(unknown, Object.keys(options));
      throw new ConfigError(
        `${command.name}: there is no option --${unknown}.${nearest ? ` Did you mean --${nearest}?` : ""} See poa ${command.name} --help.`,
      );
    }
    throw new ConfigError(`${command.name}: ${message.split(". ")[0]}. See poa ${command.name} --help.`);
  }
}

/** The verb and what stands behind it. */
function wordsOf({ name, operands = [], more }: Command): string {
  return [name, ...operands, ...(more ? [`[${more} ...]`] : [])].join(" ");
}

/** The help text of a verb. */
export function helpOf(command: Command): string {
  const { summary, overrides, options, examples } = command;
  const rows = Object.entries({ ...options, ...commonOptions }).map(
    ([option, { about, value, fallback }]): [string, string] => [
      `  --${option}${value ? ` ${value}` : ""}`,
      about + (fallback !== undefined ? ` (default ${fallback})` : ""),
    ],
  );
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `poa ${wordsOf(command)} [options]${overrides ? " [key.sub=value ...]" : ""}`,
    "",
    summary,
    "",
    "Options",
    ...rows.map(([left, right]) => left.padEnd(width) + right),
    "",
    "Examples",
    ...examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}
