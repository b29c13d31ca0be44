import type { Depth, Network } from "../elastic/space.js";
import type { Interval, Resamples } from "./bootstrap.js";

/** A network and which of the test examples it gets right, 1 or 0 each. */
export interface Answers {
  readonly network: Pick<Network, "name" | "width" | "depth">;
  readonly correct: Uint8Array;
}

/** Two networks of which the smaller one, no wider and no deeper, is better by more than chance explains. */
export interface Violation {
  readonly smaller: string;
  readonly bigger: string;
  /** Accuracy of the smaller one minus that of the bigger one. */
  readonly difference: number;
  /** Of that difference, over resamples of the examples that both were asked about. Above 0. */
  readonly interval: Interval;
}

/**
 * Where a bigger network is worse. Every pair is compared of which one network is no wider and no deeper than the other. The
 * two answer the same questions, so it is their difference that is resampled: a pair counts if its interval lies above 0.
 *
 * @returns the largest difference first
 */
export function monotonicityViolations(answers: readonly Answers[], resamples: Resamples): Violation[] {
  const found: Violation[] = [];
  for (const small of answers) {
    for (const big of answers) {
      if (small === big || !isWithin(small.network, big.network)) continue;
      const advantage = Int8Array.from(small.correct, (right, i) => right - big.correct[i]);
      const difference = advantage.reduce((sum, value) => sum + value, 0) / advantage.length;
      if (difference <= 0) continue;
      const interval = resamples.interval(advantage);
      if (interval.low > 0) found.push({ smaller: small.network.name, bigger: big.network.name, difference, interval });
    }
  }
  return found.sort((a, b) => b.difference - a.difference);
}

function isWithin(small: Answers["network"], big: Answers["network"]): boolean {
  const [depths, bounds] = [blocksOf(small.depth), blocksOf(big.depth)];
  return small.width <= big.width && depths.every((depth, stage) => depth <= bounds[stage]);
}

const blocksOf = (depth: Depth) => (typeof depth === "number" ? [depth] : depth);

/** Blocks of a network that a search space varies, over all stages. */
export const totalDepth = (depth: Depth) => blocksOf(depth).reduce((sum, blocks) => sum + blocks, 0);

/**
 * Spearman's rank correlation: that of the ranks, equal values sharing the mean of theirs.
 *
 * @returns −1 to 1; null if either side has one value only
 */
export function spearman(x: readonly number[], y: readonly number[]): number | null {
  const [a, b] = [centered(ranksOf(x)), centered(ranksOf(y))];
  const dot = (u: readonly number[], v: readonly number[]) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  const scale = Math.sqrt(dot(a, a) * dot(b, b));
  return scale === 0 ? null : dot(a, b) / scale;
}

function ranksOf(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal - 1) / 2;
  });
}

function centered(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}
