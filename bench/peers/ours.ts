// This library as one of the peers. Usage: node dist/bench/peers/ours.js [--threads N] [--simd relaxed]
import { parseArgs } from "node:util";
import { type InitOptions, init } from "../../src/runtime/context.js";
import { detectFeatures } from "../../src/runtime/features.js";
import { conv } from "./ours-conv.js";
import { kernelOperations } from "./ours-kernels.js";
import { modelOperations } from "./ours-models.js";
import { type Operation, serve } from "./serve.js";

const { values } = parseArgs({ options: { threads: { type: "string", default: "1" }, simd: { type: "string" } } });

/** The fastest multiply-add loop of src/runtime/peak.ts; loaded when asked for. */
const peak: Operation = async () => {
  const { Peak } = await import("../../src/runtime/peak.js");
  const { run, work } = Peak.compile({ relaxed: values.simd === "relaxed" && detectFeatures().relaxed });
  return { run: () => void run(), outputs: () => [[work]] };
};

const threads = Number(values.threads);
const options = { threads, ...(values.simd && { simd: values.simd }) } as InitOptions;
const runtime = (await init(options)) as { threads: number; simd?: string };
const lacks = [
  ...(runtime.threads === threads ? [] : [`${threads} threads`]),
  ...(!values.simd || runtime.simd === values.simd ? [] : [`${values.simd} SIMD`]),
];
if (lacks.length > 0) throw new Error(`not in this build: ${lacks.join(", ")}`);

await serve({
  versions: { node: process.versions.node, simd: values.simd ?? "plain", threads: values.threads },
  operations: { ...kernelOperations, ...modelOperations, conv, peak },
});
