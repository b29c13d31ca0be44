import { type ImageSource, randomSubset } from "../data/dataset.js";
import type { DistinctNetwork } from "../elastic/space.js";
import { ConfigError } from "../errors.js";
import { type Latency, measureLatency } from "../eval/latency.js";
import { ranked, type Scores, scoreNetworks, sizeCorrelations } from "../eval/rank.js";
import { sampleGrid } from "../eval/sampled-grid.js";
import { encoderFileBytes } from "../export/encoder-file.js";
import { type Encoder, sliceEncoder } from "../models/encoder.js";
import { sizeOfNetwork } from "../models/size.js";
import { searchSpace } from "../poa/plan.js";
import { init, runtime } from "../runtime/context.js";
import { Rng } from "../tensor/random.js";
import { RunFolder } from "../train/run-folder.js";
import type { Call } from "./command.js";
import { provenanceOf } from "./extraction.js";
import { processorName } from "./host.js";
import { openBankAndQueries } from "./labelled-data.js";
import { openRun } from "./model.js";
import { formatDuration, type Output } from "./output.js";
import type { Ranking } from "./rank-file.js";

/** Keeps the images that are drawn apart from other uses of a seed: "rank" in ASCII. */
const STREAM = 0x72616e6b;

/** Most images that intervals are computed for. */
const MOST_IMAGES = 65_535;

/** How time is measured. */
export interface Timing {
  readonly threads: number;
  /** Images per forward pass. */
  readonly batch: number;
}

/** How a run is ranked. */
export interface RankingRequest {
  /** For messages. */
  readonly verb: string;
  readonly run: string;
  readonly data: string;
  readonly test?: string;
  /** Number of neighbours. Default 20. */
  readonly k?: number;
  /** Images of the bank, and of the queries, at most. Default 10,000. */
  readonly images?: number;
  /** Number of networks; default all. */
  readonly sample?: number;
  /** Default one thread, one image. */
  readonly timing?: Timing;
  /** Stop at the first broken image. */
  readonly strict?: boolean;
}

export const SINGLE_IMAGE: Timing = { threads: 1, batch: 1 };

/**
 * Ranks the networks of a run: accuracy on labelled images, then time, each on a runtime of its own.
 *
 * @throws ConfigError, DataError if run, images or networks are not there
 */
export async function rankRun(request: RankingRequest, call: Call, output: Output): Promise<Ranking> {
  const { verb, run, data, test, k = 20, images = 10_000, timing = SINGLE_IMAGE, strict = false } = request;
  if (images > MOST_IMAGES)
    throw new ConfigError(`${verb}: --images ${images}, at most ${MOST_IMAGES.toLocaleString("en")}.`);
  const whole = await openBankAndQueries(verb, { data, test });
  const some = (source: ImageSource, stream: number) => randomSubset(source, images, new Rng(0, STREAM, stream));
  const sources = { bank: some(whole.bank, 0), queries: some(whole.queries, 1) };
  await init({ threads: call.threads, simd: call.simd });
  const { encoder, config, steps } = await openRun(run);
  const all = searchSpace(config).distinct();
  const networks = request.sample === undefined ? all : sampleGrid(all, request.sample);
  const onProgress = progressOf(output, `k-NN of ${networks.length} networks`);
  const onWarning = (message: string) => output.warn(message);
  const scores = await scoreNetworks(encoder, networks, sources, { k, strict, onProgress, onWarning });
  const provenance = provenanceOf(RunFolder.infoOf(run), config, steps);
  const sizes = networks.map((network) => {
    const slice = sliceEncoder(encoder, network);
    const bytes = encoderFileBytes(slice.spec, { ...provenance, network: network.name });
    return { ...sizeOfNetwork(slice.backbone, slice.spec.imageSize), bytes };
  });
  const times = await timeNetworks(run, networks, timing, { simd: call.simd, output });
  const figures = networks.map((network, i) => figuresOf(network, { ...sizes[i], ...times[i] }, scores.networks[i]));
  return {
    ...{ data, test: test ?? `${data}#test`, k },
    ...{ bank: scores.bank, queries: scores.queries, images: scores.bank + scores.queries },
    ...{ steps, space: all.length },
    ...{ threads: runtime().threads, batch: timing.batch, simd: runtime().simd, host: { cpu: processorName() } },
    networks: ranked(figures),
    spearman: sizeCorrelations(figures),
    violations: scores.violations,
  };
}

function figuresOf(
  { name, width, depth, draws }: DistinctNetwork,
  { params, macs, bytes, ms, msP95 }: { params: number; macs: number; bytes: number } & Latency,
  { knn, interval }: Scores["networks"][number],
) {
  return { ...{ name, width, depth, params, macs, draws, bytes, ms, msP95 }, knn, interval };
}

/** Times networks of a run on this machine, on a runtime with its own number of threads, which stays the live one. */
export async function timeNetworks(
  run: string,
  networks: readonly Pick<DistinctNetwork, "width" | "depth">[],
  { threads, batch }: Timing,
  { simd, output }: { simd: Call["simd"]; output: Output },
): Promise<Latency[]> {
  await init({ threads, simd });
  const { encoder } = await openRun(run);
  const slices: Encoder[] = networks.map((network) => sliceEncoder(encoder, network));
  const progress = progressOf(output, `timing ${networks.length} networks`);
  return measureLatency(slices, { batch, onProgress: (done, total) => progress(done / total) });
}

/** A progress line for work of which a share is done. */
function progressOf(output: Output, what: string): (share: number) => void {
  const begin = performance.now();
  return (share) => {
    const seconds = (performance.now() - begin) / 1000;
    const line = () => `${what}: ${Math.floor(100 * share)} %, eta ${formatDuration((seconds / share) * (1 - share))}`;
    output.progress(line, { final: share === 1 });
  };
}
