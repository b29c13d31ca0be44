import { Bench } from "tinybench";
import type { BenchCase } from "./case.js";
import type { Peak } from "./peak.js";

/** What one case took, over rounds that alternate with the multiply-add peak. */
export interface Measurement {
  readonly name: string;
  readonly unit: BenchCase["unit"];
  /** Median of the rounds' medians: work per second in the unit, or microseconds a call. */
  readonly rate: number;
  /** Half the distance between the quartiles of the rounds, relative to the median. */
  readonly spread: number;
  /** Share of the multiply-add peak of the same round, median; only for arithmetic. */
  readonly share: number | null;
  readonly rounds: number;
}

export interface MeasureOptions {
  rounds: number;
  /** Milliseconds for the case, and as much again for the peak, in each round. */
  roundMs: number;
}

const WARMUP_MS = 300;

/** Times a prepared case. The peak is measured in every round, since the clock of a machine drifts more than kernels differ. */
export function measure(benchCase: BenchCase, peak: Peak, { rounds, roundMs }: MeasureOptions): Measurement {
  const run = benchCase.prepare();
  const samples = Array.from({ length: rounds }, (_, round) => {
    const bench = new Bench({
      time: roundMs,
      iterations: 1,
      warmup: round === 0,
      warmupTime: WARMUP_MS,
      warmupIterations: 1,
    });
    bench.add("peak", peak.run, { async: false });
    bench.add("case", run, { async: false });
    bench.runSync();
    const [peakMs, caseMs] = bench.tasks.map(({ name, result }) => {
      if (result.state !== "completed") throw new Error(`bench: ${benchCase.name}: ${name} ended as ${result.state}`);
      return result.latency.p50;
    });
    return { caseMs, share: benchCase.work / caseMs / (peak.work / peakMs) };
  });
  const times = samples.map(({ caseMs }) => caseMs);
  const { unit, work } = benchCase;
  const typicalMs = quantile(times, 0.5);
  return {
    name: benchCase.name,
    unit,
    rate: unit === "us" ? 1000 * typicalMs : work / typicalMs / (unit === "GFLOP/s" ? 1e6 : 1e3),
    spread: (quantile(times, 0.75) - quantile(times, 0.25)) / 2 / typicalMs,
    share:
      unit === "GFLOP/s"
        ? quantile(
            samples.map((sample) => sample.share),
            0.5,
          )
        : null,
    rounds,
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.ceil(at)] - sorted[low]);
}
