// Single-image latency of encoders in poa/edge beside onnxruntime-web, one thread each, in one interleaved run.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import * as onnx from "onnxruntime-web";
import { processorMs, quantileOf } from "../src/cli/bench/measure.js";
import { type EdgeEncoder, type EdgeImage, loadEncoder } from "../src/edge/encoder.js";
import { encoderBundle } from "../src/export/encoder-bundle.js";
import { encoderToOnnx, IMAGES } from "../src/export/onnx/model.js";
import type { Backbone } from "../src/models/backbone.js";
import { specOf } from "../src/models/encoder.js";
import { ResNet } from "../src/models/resnet.js";
import { SwinTransformer } from "../src/models/swin.js";
import { VisionTransformer } from "../src/models/vit.js";
import { dispose, init } from "../src/runtime/context.js";
import { Rng } from "../src/tensor/random.js";

const usage = `Usage: npm run bench -- --edge [word ...] [options]

Times one image through encoders in whose name all the words occur: from pixels to the feature in poa/edge, with weights of
f32 and of int8; from normalised values to the feature in onnxruntime-web. The three take turns, image by image.

  --seconds N           for each network, warm-up apart; default 5
  --processor-time      count only time that this process ran: for a machine that others use too
  --markdown            the table as Markdown
  --save FILE           all figures as JSON
`;

/** Untimed turns: engines compile well what has run often. */
const WARM_UP = { turns: 2, ms: 1000 };
/** Timed turns at least, of networks that take seconds. */
const LEAST_TURNS = 3;

interface Network {
  readonly name: string;
  readonly side: number;
  readonly make: () => Backbone;
}

const rng = new Rng(0);
const vit = (side: number, patchSize: number, width: number, depth: number, headDim: number): Network => ({
  name: `vit ${width}x${depth}, ${side} pixels, patch ${patchSize}`,
  side,
  make: () => new VisionTransformer({ imageSize: side, patchSize, width, depth, headDim, rng }),
});
const swin = (side: number, patchSize: number, width: number, depths: number[], windowSize: number): Network => ({
  name: `swin ${width}x[${depths}], ${side} pixels, windows of ${windowSize}`,
  side,
  make: () => new SwinTransformer({ patchSize, width, depths, headDim: width === 96 ? 32 : 16, windowSize, rng }),
});
const resnet = (side: number, width: number, depths: number[], norm: "group" | "batch"): Network => ({
  name: `resnet ${width}x[${depths}], ${side} pixels, ${norm} norm`,
  side,
  make: () => {
    const channels = { stemChannels: width, outChannels: 4 * width, width, groups: Math.min(32, width / 2) };
    return new ResNet({ ...channels, depths, strides: [1, 2, 2, 2], norm, rng });
  },
});

/** Small ones of the sizes that a few minutes train, and the published ones. */
const networks: readonly Network[] = [
  vit(32, 4, 64, 4, 16),
  vit(64, 8, 96, 4, 16),
  vit(224, 16, 192, 12, 64),
  vit(224, 16, 384, 12, 64),
  swin(64, 2, 32, [1, 1, 2, 1], 4),
  swin(224, 4, 96, [2, 2, 6, 2], 7),
  resnet(64, 16, [1, 1, 2, 1], "group"),
  resnet(224, 64, [3, 4, 6, 3], "group"),
  resnet(224, 64, [3, 4, 6, 3], "batch"),
];

interface Result {
  readonly network: string;
  /** Medians and 95th percentiles in milliseconds. */
  readonly f32: Times;
  readonly int8: Times;
  readonly onnx: Times;
  /** Medians over the turns of time against time. */
  readonly f32ToOnnx: number;
  readonly int8ToF32: number;
  /** Largest difference of a feature from onnxruntime's, relative to the largest feature. */
  readonly difference: number;
  readonly turns: number;
}

interface Times {
  readonly ms: number;
  readonly msP95: number;
}

/** @param argv  the arguments after the program's name */
export async function edge(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      edge: { type: "boolean" },
      seconds: { type: "string", default: "5" },
      "processor-time": { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      save: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  onnx.env.wasm.numThreads = 1;
  onnx.env.logLevel = "error";
  const now = values["processor-time"] ? processorMs : () => performance.now();
  const results: Result[] = [];
  for (const network of networks.filter(({ name }) => positionals.every((word) => name.includes(word)))) {
    const result = await timed(network, { now, ms: 1000 * Number(values.seconds) });
    results.push(result);
    console.log(values.markdown ? markdownRow(result) : line(result));
  }
  if (!values.save) return;
  mkdirSync(dirname(values.save), { recursive: true });
  const run = {
    machine: cpus()[0]?.model.trim(),
    node: process.versions.node,
    onnxruntime: onnx.env.versions.web,
    results,
  };
  writeFileSync(values.save, `${JSON.stringify(run, null, 2)}\n`);
}

async function timed({ name, side, make }: Network, clock: { now: () => number; ms: number }): Promise<Result> {
  await init({ threads: 1 });
  const backbone = make().requireGrad(false);
  const encoder = {
    backbone,
    spec: specOf(backbone, { imageSize: side, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }),
  };
  const wide = await loadEncoder(encoderBundle(encoder));
  const narrow = await loadEncoder(encoderBundle(encoder, { dtype: "int8" }));
  const session = await onnx.InferenceSession.create(encoderToOnnx(encoder, { batch: 1 }), {
    executionProviders: ["wasm"],
  });
  backbone.dispose();
  try {
    return { network: name, ...(await inTurns({ wide, narrow, session }, imageOf(side), clock)) };
  } finally {
    await session.release();
    dispose();
  }
}

interface Contenders {
  readonly wide: EdgeEncoder;
  readonly narrow: EdgeEncoder;
  readonly session: onnx.InferenceSession;
}

async function inTurns(
  { wide, narrow, session }: Contenders,
  image: EdgeImage,
  { now, ms }: { now: () => number; ms: number },
): Promise<Omit<Result, "network">> {
  const [data, dims] = [normalized(image), [1, 3, image.height, image.width]];
  const times = { f32: [] as number[], int8: [] as number[], onnx: [] as number[] };
  let difference = 0;
  const start = performance.now();
  let warm = 0;
  for (let turn = 0; turn < WARM_UP.turns + LEAST_TURNS || performance.now() - start < warm + ms; turn++) {
    const marks = [now()];
    const own = wide.embed(image);
    marks.push(now());
    narrow.embed(image);
    marks.push(now());
    const { embedding } = await session.run({ [IMAGES]: new onnx.Tensor("float32", data, dims) });
    marks.push(now());
    if (turn === 0) difference = relativeDifference(own, embedding.data as Float32Array);
    const warming = turn < WARM_UP.turns || (performance.now() - start < WARM_UP.ms && turn < 200);
    if (warming) {
      warm = performance.now() - start;
      continue;
    }
    times.f32.push(marks[1] - marks[0]);
    times.int8.push(marks[2] - marks[1]);
    times.onnx.push(marks[3] - marks[2]);
  }
  const ratio = (a: number[], b: number[]) =>
    quantileOf(
      a.map((value, i) => value / b[i]),
      0.5,
    );
  const figures = (list: number[]) => ({ ms: quantileOf(list, 0.5), msP95: quantileOf(list, 0.95) });
  return {
    ...{ f32: figures(times.f32), int8: figures(times.int8), onnx: figures(times.onnx) },
    ...{ f32ToOnnx: ratio(times.f32, times.onnx), int8ToF32: ratio(times.int8, times.f32) },
    ...{ difference, turns: times.f32.length },
  };
}

function imageOf(side: number): EdgeImage {
  const noise = new Rng(side);
  const data = Uint8Array.from({ length: 3 * side * side }, () => noise.integer(0, 255));
  return { data, width: side, height: side };
}

/** What the transform of the encoder makes of it  [3, S, S]. */
function normalized({ data, width, height }: EdgeImage): Float32Array {
  const pixels = width * height;
  return Float32Array.from(
    { length: data.length },
    (_, i) => (data[3 * (i % pixels) + Math.floor(i / pixels)] / 255 - 0.5) / 0.25,
  );
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / largest;
}

const figure = (ms: number) => ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);

function line({ network, f32, int8, onnx: other, f32ToOnnx, int8ToF32, turns }: Result): string {
  const times = `f32 ${figure(f32.ms)} ms (p95 ${figure(f32.msP95)}), int8 ${figure(int8.ms)}, onnxruntime-web ${figure(other.ms)}`;
  return `${network.padEnd(44)} ${times}; f32 / onnx ${f32ToOnnx.toFixed(2)}, int8 / f32 ${int8ToF32.toFixed(2)}; ${turns} turns`;
}

function markdownRow({ network, f32, int8, onnx: other, f32ToOnnx, int8ToF32 }: Result): string {
  const cells = [
    network,
    figure(f32.ms),
    figure(int8.ms),
    figure(other.ms),
    f32ToOnnx.toFixed(2),
    int8ToF32.toFixed(2),
  ];
  return `| ${cells.join(" | ")} |`;
}
