// Decoding and augmentation, by workers with kernels and by one thread in plain TypeScript, in turns.
// Usage: npm run bench -- --pipeline [options]; docs/performance.md lists them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BatchFeed } from "../../src/data/batch-feed.js";
import type { ImageSource, RawImage } from "../../src/data/dataset.js";
import { passOrder } from "../../src/data/order.js";
import { openSource } from "../../src/data/source-spec.js";
import { resolveConfig } from "../../src/poa/config.js";
import { dispose, init } from "../../src/runtime/context.js";
import { coreCount } from "../../src/runtime/host-worker.js";
import { BatchMaker } from "../../src/train/crops.js";
import { median } from "../peers/results.js";
import { PlainCrops } from "./plain-batch.js";

/** How many times as many images a second as the plain way, at least. */
const REQUIRED = 3;
/** Images of a round, of each way. */
const ROUND_IMAGES = 480;
/** Levels of 255 by which values may differ, rounding after each operation, and the share that may differ by more. */
const LEVELS = 4;
const MOST_APART = 0.02;

/** @returns exit code: 1 if fewer images a second than required, or other crops, were made */
export async function pipeline(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      pipeline: { type: "boolean" },
      data: { type: "string" },
      preset: { type: "string", default: "vit-tiny" },
      workers: { type: "string", default: `${Math.max(2, coreCount())}` },
      rounds: { type: "string", default: "9" },
      "processor-time": { type: "boolean", default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), "poa-bench-"));
  try {
    await init({ threads: 1 });
    const source = await openSource(values.data ?? photos(folder));
    const run = new PipelineRun(source, values.preset, Number(values.workers), values["processor-time"]);
    return await run.compare(Number(values.rounds));
  } finally {
    rmSync(folder, { recursive: true });
    dispose();
  }
}

/** The spec of a list that names a photograph of the tests many times. */
function photos(folder: string): string {
  const photo = fileURLToPath(new URL("../../../test/fixtures/images/jpeg-odd/hopper.jpg", import.meta.url));
  writeFileSync(join(folder, "list.txt"), `${photo}\n`.repeat(64));
  return `list:${join(folder, "list.txt")}`;
}

/** A way to make the crops of a batch. */
type Way = (iteration: number) => Promise<void>;

class PipelineRun {
  private readonly source: ImageSource;
  private readonly maker: BatchMaker;
  private readonly feed: BatchFeed;
  private readonly batch: number;
  private readonly workers: number;
  private readonly processorTime: boolean;
  private readonly plain: PlainCrops;
  private order: { pass: number; indices: Int32Array } = { pass: -1, indices: new Int32Array() };
  /** Batches that the workers have made. */
  private made = 0;

  /** @param processorTime  count how long threads ran in place of how long they took, as if each worker had a core */
  constructor(source: ImageSource, preset: string, workers: number, processorTime: boolean) {
    const { config } = resolveConfig({}, { preset });
    this.source = source;
    this.workers = workers;
    this.processorTime = processorTime;
    this.maker = new BatchMaker(config);
    const { inputs, targets } = this.maker;
    this.batch = config.train.batch_size_per_gpu;
    this.plain = new PlainCrops(this.maker);
    this.feed = new BatchFeed(source, {
      ...{ batchSize: this.batch, seed: 0, channels: 3, inputs, targets, held: 1, workers },
    });
  }

  async compare(rounds: number): Promise<number> {
    const apart = await this.difference();
    console.log(`crops: ${(100 * apart).toFixed(2)} % of the values differ by more than ${LEVELS} levels`);
    const ratios: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const plainRate = await this.rate((i) => this.plainBatch(i), 1, round * this.perRound);
      for (let i = 0; i < 2; i++) await this.copy(this.made++); // prepared while the other way ran
      const rate = await this.rate((i) => this.copy(i), this.workers, this.made);
      this.made += this.perRound;
      if (round === 0) continue; // engines compile
      ratios.push(rate / plainRate);
      console.log(
        `round ${round}: plain ${plainRate.toFixed(0)} images/s, ${this.workers} workers ${rate.toFixed(0)}, ratio ${(rate / plainRate).toFixed(2)}`,
      );
    }
    this.feed.close();
    this.maker.dispose();
    const ratio = median(ratios);
    const passed = ratio >= REQUIRED && apart <= MOST_APART;
    console.log(
      `${passed ? "pass" : "FAIL"}  ${this.workers} workers : plain TypeScript  ${ratio.toFixed(2)}x (required ${REQUIRED})`,
    );
    return passed ? 0 : 1;
  }

  /** Share of the values in which the crops of the first batch differ, both ways. */
  private async difference(): Promise<number> {
    await this.copy(this.made++);
    await this.plainBatch(0);
    const { std = [1] } = this.maker.inputs.options;
    const level = 1 / (255 * Math.max(...std));
    let [apart, count] = [0, 0];
    this.maker.targets.forEach((target, t) => {
      target.toArray().forEach((value, i) => {
        if (Math.abs(value - this.plain.targets[t][i]) > LEVELS * level) apart++;
        count++;
      });
    });
    return apart / count;
  }

  private get perRound(): number {
    return Math.ceil(ROUND_IMAGES / this.batch);
  }

  /** Images a second that a way on some threads makes of the batches of a round. */
  private async rate(way: Way, threads: number, from: number): Promise<number> {
    const [begin, used] = [performance.now(), process.cpuUsage()];
    for (let i = 0; i < this.perRound; i++) await way(from + i);
    const { user, system } = process.cpuUsage(used);
    const elapsedMs = this.processorTime ? (user + system) / 1000 / threads : performance.now() - begin;
    return (1000 * this.perRound * this.batch) / elapsedMs;
  }

  private async copy(iteration: number): Promise<void> {
    const batch = await this.feed.read(iteration);
    if ("copyInputs" in batch) batch.copyInputs();
    else throw new Error("bench: this host has no workers.");
  }

  /** The same crops of the same images. */
  private async plainBatch(iteration: number): Promise<void> {
    const { source, batch } = this;
    const perPass = Math.floor(source.length / batch);
    const pass = Math.floor(iteration / perPass);
    if (this.order.pass !== pass) this.order = { pass, indices: passOrder(source.length, 0, pass) };
    const begin = (iteration % perPass) * batch;
    const indices = this.order.indices.subarray(begin, begin + batch);
    const images: RawImage[] = [];
    for (const index of indices) images.push(await source.read(index));
    this.plain.write({ images, indices, pass });
  }
}
