import { statSync } from "node:fs";
import { basename } from "node:path";
import { type EdgeEncoder, type EdgeImage, loadEncoder } from "../../edge/encoder.js";
import { DataError } from "../../errors.js";
import { quantile } from "../../eval/bootstrap.js";
import { networkName } from "../../models/encoder-spec.js";
import { init } from "../../runtime/context.js";
import { Rng } from "../../tensor/random.js";
import type { Command } from "../command.js";
import { processorName } from "../host.js";
import { formatTable } from "../output.js";

/** An encoder runs untimed for so long, and so often at least, before it is timed. */
const WARM_UP = { ms: 300, runs: 3 } as const;
const ROUNDS = 10;

export const benchEdge: Command = {
  name: "bench edge",
  summary: "how long edge bundles take for one image, in turns: median and 95th percentile",
  operands: ["BUNDLE"],
  more: "BUNDLE",
  options: {
    seconds: { value: "N", about: "timed for each bundle, warm-up apart", fallback: "3" },
  },
  examples: ["poa bench edge small.poa", "poa bench edge f32.poa int8.poa 48x2.poa --json"],
  async run(call, output) {
    const wanted = call.text("threads") === undefined ? 1 : call.threads;
    const { threads } = await init({ threads: wanted, simd: call.simd });
    const encoders: TimedBundle[] = [];
    for (const path of call.operands) encoders.push(new TimedBundle(path, await bundleAt(path)));
    for (const encoder of encoders) encoder.warmUp();
    const roundMs = (1000 * call.integer("seconds", 1)!) / ROUNDS;
    for (let round = 1; round <= ROUNDS; round++) {
      for (const encoder of encoders) encoder.run(roundMs);
      output.progress(() => `round ${round}/${ROUNDS}`, { final: round === ROUNDS });
    }
    const bundles = encoders.map((encoder) => encoder.result());
    const host = { machine: processorName(), threads, simd: call.simd };
    const figure = (ms: number) => ms.toFixed(ms < 10 ? 3 : 1);
    const rows = bundles.map(({ file, network, bytes, ms, msP95, runs }) => {
      return [file, network, String(bytes), figure(ms), figure(msP95), String(runs)];
    });
    output.result(
      { ...host, bundles },
      [
        `${host.machine}, ${threads === 1 ? "1 thread" : `${threads} threads`}, build ${host.simd}; one image, from pixels to its feature`,
        formatTable([["bundle", "network", "bytes", "ms", "ms p95", "runs"], ...rows]),
      ].join("\n"),
    );
    return 0;
  },
};

/** @throws DataError if nothing is there */
function bundleAt(path: string): Promise<EdgeEncoder> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return loadEncoder(path);
  throw new DataError(`bench edge: ${path} is no file. Make a bundle with \`poa export MODEL --format edge\`.`);
}

/** Noise in the size that an encoder was trained on, seeded by the size. */
function noise({ imageSize, channels }: { imageSize: number; channels: number }): EdgeImage {
  const rng = new Rng(imageSize);
  const data = Uint8Array.from({ length: channels * imageSize ** 2 }, () => rng.integer(0, 255));
  return { data, width: imageSize, height: imageSize };
}

/** A bundle's encoder with an image and the times that it took. */
class TimedBundle {
  private readonly path: string;
  private readonly encoder: EdgeEncoder;
  private readonly image: EdgeImage;
  private readonly elapsedMs: number[] = [];

  constructor(path: string, encoder: EdgeEncoder) {
    this.path = path;
    this.encoder = encoder;
    this.image = noise(encoder.spec);
  }

  warmUp(): void {
    const start = performance.now();
    for (let runs = 0; runs < WARM_UP.runs || performance.now() - start < WARM_UP.ms; runs++) this.timeOne();
  }

  /** Times runs for so long; the first of a round, after another bundle's, finds cold caches and is not counted. */
  run(ms: number): void {
    this.timeOne();
    const start = performance.now();
    do this.elapsedMs.push(this.timeOne());
    while (performance.now() - start < ms);
  }

  result() {
    const sorted = Float64Array.from(this.elapsedMs).sort();
    const { spec } = this.encoder;
    return {
      file: basename(this.path),
      network: networkName(spec),
      imageSize: spec.imageSize,
      bytes: statSync(this.path).size,
      ms: quantile(sorted, 0.5),
      msP95: quantile(sorted, 0.95),
      runs: sorted.length,
    };
  }

  private timeOne(): number {
    const begin = performance.now();
    this.encoder.embed(this.image);
    return performance.now() - begin;
  }
}
