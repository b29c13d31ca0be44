// One interleaved run of this library and its peers, as tables and as gates.
// Usage: npm run bench -- --gate | --peers [options]; docs/performance.md lists them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { gates } from "./gates.js";
import { allCases } from "./peers/cases.js";
import { compare } from "./peers/compare.js";
import type { Clock } from "./peers/protocol.js";
import { type Comparison, measuredAgain } from "./peers/results.js";
import { caseLine, condensed, document, gateLine, withTables } from "./peers/tables.js";
import { verdicts } from "./peers/verdicts.js";

/**
 * @param argv  the arguments after the program's name
 * @returns exit code: 1 if a gate was asked for and one is missed
 */
export async function gate(argv: readonly string[]): Promise<number> {
  const { values: options, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      gate: { type: "boolean", default: false },
      peers: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      rounds: { type: "string", default: "9" },
      "processor-time": { type: "boolean", default: false },
      without: { type: "string", multiple: true, default: [] },
      "even-busy": { type: "boolean", default: false },
      data: { type: "string" },
      save: { type: "string" },
      from: { type: "string" },
      into: { type: "string" },
      write: { type: "string" },
    },
  });
  const parts = [...options.only, ...positionals];
  const kept = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Comparison;
  const measured = options.from
    ? kept(options.from)
    : await run(parts, {
        rounds: Number(options.rounds),
        clock: options["processor-time"] ? "processor" : "wall",
        data: options.data,
        without: options.without,
        evenBusy: options["even-busy"],
      });
  const comparison = options.into ? measuredAgain(kept(options.into), measured) : measured;
  for (const path of [options.save, options.into]) {
    if (path === undefined) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify(comparison)}\n`);
  }
  if (options.write) {
    writeFileSync(options.write, withTables(readFileSync(options.write, "utf8"), document(comparison, gates)));
  }
  if (!options.gate) return 0;
  const chosen =
    parts.length === 0 || options.into
      ? gates
      : gates.filter((one) => comparison.cases.some(({ name }) => one.cases.test(name)));
  const results = verdicts(chosen, comparison);
  for (const result of condensed(results)) console.log(gateLine(result));
  const count = (state: string) => results.filter((result) => result.state === state).length;
  console.log(`${count("pass")} passed, ${count("fail")} failed, ${count("not measured")} not measured`);
  return count("fail") > 0 ? 1 : 0;
}

interface RunOptions {
  rounds: number;
  clock: Clock;
  /** Images of the step that has a data set. */
  data: string | undefined;
  /** Peers that do not take part. */
  without: readonly string[];
  /** Two threads on a machine that is not idle too. */
  evenBusy: boolean;
}

/** Names are matched as words: `--only conv --only GELU` takes every case that has one of them. */
function run(parts: readonly string[], { rounds, clock, data, without, evenBusy }: RunOptions): Promise<Comparison> {
  const cases = allCases(data).filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
  if (cases.length === 0) throw new Error(`bench: no case has ${parts.join(" or ")} in its name.`);
  return compare(cases, {
    rounds,
    clock,
    without,
    evenBusy,
    onCase: (name) => console.error(`${new Date().toTimeString().slice(0, 8)} ${name}`),
    onResult: (result) => {
      for (const column of result.columns) console.log(caseLine(column, result));
    },
  });
}
