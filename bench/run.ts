// Times what the bench files beside it define.
// Usage: node dist/bench/run.js [part of a name ...] [--rounds N] [--processor-time] [--simd relaxed] [--json] [--save FILE] [--compare FILE]
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { init } from "../src/runtime/context.js";
import type { SimdBuild } from "../src/runtime/kernels.js";
import type { BenchCase } from "./case.js";
import { type Measurement, type MeasureOptions, measure } from "./measure.js";
import { Peak } from "./peak.js";

/** A run as it is saved: what was measured, and on what. */
interface Run {
  readonly machine: string;
  readonly engine: string;
  readonly threads: number;
  readonly simd: SimdBuild;
  readonly clock: MeasureOptions["clock"];
  readonly date: string;
  readonly results: readonly Measurement[];
}

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "9" },
    "processor-time": { type: "boolean", default: false },
    simd: { type: "string", default: "plain" },
    json: { type: "boolean", default: false },
    save: { type: "string" },
    compare: { type: "string" },
  },
});

async function allCases(): Promise<BenchCase[]> {
  const root = new URL(".", import.meta.url);
  const files = readdirSync(root, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(".bench.js"));
  const modules = await Promise.all(files.sort().map((file) => import(new URL(file, root).href)));
  return (modules as { cases: readonly BenchCase[] }[]).flatMap(({ cases }) => cases);
}

/** Names are matched as words in any order: `gemm digits` takes every case that has both. */
const chosen = (await allCases()).filter(({ name }) => names.every((part) => name.includes(part)));
const before = options.compare ? (JSON.parse(readFileSync(options.compare, "utf8")) as Run) : null;
const clock = options["processor-time"] ? "processor" : "wall";
const simd = options.simd as SimdBuild;
const peak = await Peak.compile({ relaxed: simd === "relaxed" });
const results: Measurement[] = [];
for (const benchCase of chosen) {
  const { threads } = await init({ simd }); // a fresh memory for each, so that none depends on what ran before
  const result = measure(benchCase, peak, { rounds: Number(options.rounds), roundMs: 60, clock });
  results.push(result);
  if (!options.json) console.log(line(result, threads));
}

const run: Run = {
  machine: `${cpus()[0]?.model.trim()} (${platform()} ${arch()})`,
  engine: `Node ${process.versions.node}, V8 ${process.versions.v8}`,
  threads: 1,
  simd,
  clock,
  date: new Date().toISOString().slice(0, 10),
  results,
};
if (options.json) console.log(JSON.stringify(run, null, 2));
if (options.save) {
  mkdirSync(dirname(options.save), { recursive: true });
  writeFileSync(options.save, `${JSON.stringify(run, null, 2)}\n`);
}

function line({ name, unit, rate, spread, share }: Measurement, threads: number): string {
  const columns = [
    name.padEnd(58),
    `${rate.toFixed(1).padStart(7)} ${unit}`,
    `±${(100 * spread).toFixed(0).padStart(2)} %`,
  ];
  if (share !== null) columns.push(`${share.toFixed(2)} of peak`);
  const earlier = before?.results.find((other) => other.name === name);
  if (earlier) columns.push(`${(unit === "us" ? earlier.rate / rate : rate / earlier.rate).toFixed(2)}x`);
  return threads > 1 ? [...columns, `${threads} threads`].join("  ") : columns.join("  ");
}
