import { step } from "../autograd/tape.js";
import type { ImageSource } from "../data/dataset.js";
import type { DistinctNetwork } from "../elastic/space.js";
import { type Encoder, sliceEncoder } from "../models/encoder.js";
import { type Interval, Resamples } from "./bootstrap.js";
import type { ReadingOptions } from "./features.js";
import { knnVote, topHits } from "./knn.js";
import { type Answers, monotonicityViolations, spearman, totalDepth, type Violation } from "./monotonicity.js";
import { paretoFront } from "./pareto.js";
import { labelledFeatures, type SharedFeatures, sharedFeatures } from "./shared-features.js";

/** What a network costs and what it is worth. */
export interface NetworkFigures extends Omit<DistinctNetwork, "draws"> {
  /** Parameters of the backbone without the mask token. */
  readonly params: number;
  /** Multiply-adds of one image of the training size. */
  readonly macs: number;
  /** How often it stands in the sampler's list. */
  readonly draws: number;
  /** Of its file, were it extracted. */
  readonly bytes: number;
  /** Median time of a forward pass, and its 95th percentile. */
  readonly ms: number;
  readonly msP95: number;
  /** k-NN accuracy with its 95 % bootstrap interval. */
  readonly knn: number;
  readonly interval: Interval;
}

/** A network in the ranking of its run. */
export interface RankedNetwork extends NetworkFigures {
  /** Whether no other network is as accurate, as fast and as small, and better in one of these. */
  readonly pareto: boolean;
}

/** Rank correlations of accuracy with size over all networks; null where a size or the accuracy is one value. */
export interface SizeCorrelations {
  readonly params: number | null;
  readonly width: number | null;
  readonly depth: number | null;
}

/** The accuracy of one network. */
export interface NetworkScore extends Answers {
  readonly knn: number;
  readonly interval: Interval;
}

/** The accuracies of a run's networks on the same images. */
export interface Scores {
  /** In the order of the networks. */
  readonly networks: readonly NetworkScore[];
  /** Numbers of images that could be read. */
  readonly bank: number;
  readonly queries: number;
  readonly violations: readonly Violation[];
}

/** How networks are scored and timed. */
export interface ScoreOptions extends Omit<ReadingOptions, "onProgress"> {
  /** Number of neighbours. */
  readonly k: number;
  /** Bound on the features held at a time; networks beyond it read the images again. Default 1 GiB. */
  readonly featureBytes?: number;
  /** Told which share of the work is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/**
 * k-NN accuracy (spec §7.1) of several networks of a run, as `knnAccuracy` gives it for each, with bootstrap intervals, and the
 * pairs of which the bigger network is worse.
 *
 * @param full  the run's teacher
 */
export async function scoreNetworks(
  full: Encoder,
  networks: readonly DistinctNetwork[],
  { bank, queries }: { readonly bank: ImageSource; readonly queries: ImageSource },
  options: ScoreOptions,
): Promise<Scores> {
  const { onProgress, k, featureBytes = 2 ** 30, ...reading } = options;
  const encoders = networks.map((network) => sliceEncoder(full, network));
  const vote = { k, classes: bank.classes.length };
  const correct: Uint8Array[] = [];
  const counts = { bank: 0, queries: 0 };
  const groups = groupsOf(encoders, bank.length + queries.length, featureBytes);
  const total = groups.length * (bank.length + queries.length);
  let done = 0;
  for (const group of groups) {
    const onWarning = group === groups[0] ? reading.onWarning : undefined; // once per broken image
    const read = async (source: ImageSource) => {
      const before = done;
      const told = (images: number) => onProgress?.((before + images) / total);
      const found = await sharedFeatures(source, group, { ...reading, onWarning, onProgress: told });
      done += source.length;
      return found;
    };
    const [known, asked] = [await read(bank), await read(queries)];
    counts.bank = known.labels.length;
    counts.queries = asked.labels.length;
    for (let i = 0; i < group.length; i++) correct.push(answersOf(known, asked, i, vote));
  }
  const resamples = new Resamples(counts.queries);
  const scores = networks.map((network, i) => ({
    network,
    correct: correct[i],
    knn: correct[i].reduce((sum, right) => sum + right, 0) / counts.queries,
    interval: resamples.interval(correct[i]),
  }));
  return { networks: scores, ...counts, violations: monotonicityViolations(scores, resamples) };
}

/** Encoders in a row whose features of so many images fit into the bound, at least one at a time. */
function groupsOf(encoders: readonly Encoder[], images: number, mostBytes: number): Encoder[][] {
  const groups: Encoder[][] = [];
  let bytes = 0;
  for (const encoder of encoders) {
    const own = 4 * images * encoder.backbone.featureDim;
    if (groups.length === 0 || bytes + own > mostBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups[groups.length - 1].push(encoder);
    bytes += own;
  }
  return groups;
}

/** Which queries the network number i gets right. */
function answersOf(
  bank: SharedFeatures,
  queries: SharedFeatures,
  i: number,
  { k, classes }: { k: number; classes: number },
): Uint8Array {
  const votes = step(() =>
    knnVote(labelledFeatures(queries, i).features, labelledFeatures(bank, i), { ks: [k], classes }),
  );
  return topHits(votes.get(k)!, queries.labels, classes);
}

/** The most accurate network first, of equal ones the smaller; with the Pareto front of accuracy against time and parameters. */
export function ranked(networks: readonly NetworkFigures[]): RankedNetwork[] {
  const front = paretoFront(networks.map(({ knn, ms, params }) => ({ value: knn, costs: [ms, params] })));
  return networks
    .map((network, i) => ({ ...network, pareto: front[i] }))
    .sort((a, b) => b.knn - a.knn || a.params - b.params);
}

/** How well size tells accuracy. */
export function sizeCorrelations(networks: readonly NetworkFigures[]): SizeCorrelations {
  const accuracy = networks.map(({ knn }) => knn);
  return {
    params: spearman(
      networks.map(({ params }) => params),
      accuracy,
    ),
    width: spearman(
      networks.map(({ width }) => width),
      accuracy,
    ),
    depth: spearman(
      networks.map(({ depth }) => totalDepth(depth)),
      accuracy,
    ),
  };
}
