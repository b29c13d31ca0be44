// Times what the bench files beside it define; `usage` below says how it is called.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import type { BenchCase } from "../src/cli/bench/case.js";
import { type Measurement, measure } from "../src/cli/bench/measure.js";
import { dispose, init } from "../src/runtime/context.js";
import { Peak } from "../src/runtime/peak.js";
import { pipeline } from "./data/pipeline.js";
import { gate } from "./gate.js";
import { type Run, ratioTo, resultLine } from "./saved.js";

const usage = `Usage: npm run bench -- [word ...] [options]

Times every case in whose name all the words, or beginnings of words, occur: gemm digits, op linear, vit step, poa step.
Cases whose calls take many seconds are taken only if their own word is among them (--list shows it).

  --list                names of the cases, and stop
  --rounds N            rounds of each case, each beside the multiply-add peak; default 9
  --threads N|all       threads of the kernels; default 1. Shares are of the peak of one
  --simd plain|relaxed  build of the kernels; shares are of the peak that build can reach
  --processor-time      count only time that this process ran: for one thread on a machine that others use too
  --json                the run as JSON on stdout, and no lines
  --save FILE           the same into a file
  --compare FILE        print for each case how many times faster it is than in that saved run, each as a share of the
                        peak of its own minutes
  --max-regression R    with --compare: exit code 1 if a case runs at less than R times its earlier speed; 0.9 for
                        a tenth slower
  --pipeline            decoding and augmentation by workers beside plain TypeScript (bench/data/pipeline.ts)
  --gate, --peers       this library beside its peers, as gates or as tables (bench/gate.ts, docs/performance.md)
  --edge                encoders in poa/edge beside onnxruntime-web (--edge --help)
  --help                this text
`;

/** Milliseconds of a round for the case, and as much again for the peak. */
const ROUND_MS = 60;

if (process.argv.includes("--pipeline")) process.exit(await pipeline(process.argv.slice(2)));
if (process.argv.some((word) => word === "--gate" || word === "--peers"))
  process.exit(await gate(process.argv.slice(2)));
if (process.argv.includes("--edge")) {
  const { edge } = await import("./edge.js"); // loads onnxruntime-web
  await edge(process.argv.slice(2));
  process.exit(0);
}
const { options, words } = parsed();
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const chosen = chosenCases(await allCases(), words);
if (options.list) {
  for (const { name, onlyAs } of chosen) console.log(onlyAs ? `${name}  (only with the word ${onlyAs})` : name);
  process.exit(0);
}
const before = options.compare ? readRun(options.compare) : null;
const results = await measured(chosen, before);
dispose();

const slower = results.filter(
  (result) => before && (ratioTo(before, result) ?? Number.POSITIVE_INFINITY) < options.leastRatio,
);
for (const { name } of slower)
  console.error(`bench: ${name} runs at less than ${options.leastRatio} of its earlier speed`);
if (slower.length > 0) process.exitCode = 1;

function parsed() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        list: { type: "boolean", default: false },
        rounds: { type: "string", default: "9" },
        threads: { type: "string", default: "1" },
        simd: { type: "string", default: "plain" },
        "processor-time": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        save: { type: "string" },
        compare: { type: "string" },
        "max-regression": { type: "string", default: "0" },
        help: { type: "boolean", default: false },
      },
    });
    const threads = values.threads === "all" ? "all" : wholeNumber("threads", values.threads);
    if (values["processor-time"] && threads !== 1)
      return stop("--processor-time counts one thread. Leave out --threads.");
    const leastRatio = Number(values["max-regression"]);
    if (!(leastRatio >= 0))
      return stop(`--max-regression is ${values["max-regression"]}, expected a number such as 0.9.`);
    if (leastRatio > 0 && !values.compare) return stop("--max-regression needs --compare FILE.");
    const rounds = wholeNumber("rounds", values.rounds);
    const { simd } = values;
    if (simd !== "plain" && simd !== "relaxed") return stop(`--simd is ${simd}, expected plain or relaxed.`);
    return { words: positionals, options: { ...values, rounds, threads, simd, leastRatio } as const };
  } catch (error) {
    return stop((error as Error).message);
  }
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value >= 1
    ? value
    : stop(`--${option} is ${text}, expected a whole number from 1 on.`);
}

function stop(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(2);
}

async function allCases(): Promise<BenchCase[]> {
  const root = new URL(".", import.meta.url);
  const files = readdirSync(root, { recursive: true })
    .map((file) => String(file).replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".bench.js"));
  const modules = await Promise.all(files.sort().map((file) => import(new URL(file, root).href)));
  return (modules as { cases: readonly BenchCase[] }[]).flatMap(({ cases }) => cases);
}

function chosenCases(all: readonly BenchCase[], words: readonly string[]): BenchCase[] {
  const named = all.filter(({ name }) => words.every((word) => ` ${name}`.includes(` ${word}`)));
  if (named.length === 0) stop(`no case has ${words.join(" and ")} in its name. --list shows them all.`);
  return options.list ? named : named.filter(({ onlyAs }) => onlyAs === undefined || words.includes(onlyAs));
}

function readRun(path: string): Run {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Run;
  } catch (error) {
    return stop(`--compare ${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** Measures the cases, with a line for each, or all of them as JSON. */
async function measured(cases: readonly BenchCase[], before: Run | null): Promise<Measurement[]> {
  const clock = options["processor-time"] ? "processor" : "wall";
  const peak = Peak.compile({ relaxed: options.simd === "relaxed" });
  const results: Measurement[] = [];
  let threads = 1;
  for (const benchCase of cases) {
    ({ threads } = await init({ threads: options.threads, simd: options.simd })); // a fresh memory for each, so that none depends on what ran before
    const result = measure(benchCase, peak, { rounds: options.rounds, roundMs: ROUND_MS, clock });
    results.push(result);
    if (!options.json) console.log(resultLine(result, before && ratioTo(before, result)));
  }
  const run: Run = {
    machine: `${cpus()[0]?.model.trim()} (${platform()} ${arch()})`,
    engine: `Node ${process.versions.node}, V8 ${process.versions.v8}`,
    threads,
    simd: options.simd,
    clock,
    date: new Date().toISOString().slice(0, 10),
    results,
  };
  if (options.json) console.log(JSON.stringify(run, null, 2));
  if (options.save) {
    mkdirSync(dirname(options.save), { recursive: true });
    writeFileSync(options.save, `${JSON.stringify(run, null, 2)}\n`);
  }
  return results;
}
