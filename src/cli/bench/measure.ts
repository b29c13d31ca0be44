import { Bench } from "tinybench";
import { quantile } from "../../eval/bootstrap.js";
import type { Peak } from "../../runtime/peak.js";
import { type BenchCase, type Unit, unitOfWork } from "./case.js";

/** What one case took, over rounds that alternate with the multiply-add peak. */
export interface Measurement {
  readonly name: string;
  readonly unit: Unit;
  /** Median of the rounds' medians: work per second in the unit, or microseconds a call. */
  readonly rate: number;
  /** Half the distance between the quartiles of the rounds, relative to the median. */
  readonly spread: number;
  /** Share of the multiply-add peak of the same round, median; only for arithmetic. */
  readonly share: number | null;
  /** The multiply-add peak of one thread in GFLOP/s, median of the same rounds. */
  readonly peak: number;
  readonly rounds: number;
}

export interface MeasureOptions {
  rounds: number;
  /** Milliseconds for the case, and as much again for the peak, in each round. */
  roundMs: number;
  /** "processor" counts only time that this process ran: for one thread on a machine that others use too. */
  clock: "wall" | "processor";
}

/** Short calls are timed several at once, far above the resolution of the processor clock. */
const SAMPLE_MS = 2;
const WARMUP_MS = 300;

/** Prepares a case, times it, and releases what it made. */
export function measure(benchCase: BenchCase, peak: Pick<Peak, "run" | "work">, options: MeasureOptions): Measurement {
  const prepared = benchCase.prepare();
  if (typeof prepared === "function") return timed(benchCase, prepared, peak, options);
  try {
    return timed(benchCase, prepared.run, peak, options);
  } finally {
    prepared.dispose();
  }
}

/** The peak is measured in every round, since the clock of a machine drifts more than kernels differ. */
function timed(
  benchCase: BenchCase,
  run: () => void,
  peak: Pick<Peak, "run" | "work">,
  { rounds, roundMs, clock }: MeasureOptions,
): Measurement {
  const now = clock === "wall" ? () => performance.now() : processorMs;
  const [runPeak, runCase] = [repeated(peak.run), repeated(run)];
  const samples = Array.from({ length: rounds }, () => {
    const bench = new Bench({ time: roundMs, iterations: 1, warmup: false, now });
    bench.add("peak", runPeak.call, { async: false });
    bench.add(benchCase.name, runCase.call, { async: false });
    bench.runSync();
    const [peakMs, sampleMs] = bench.tasks.map(({ name, result }) => {
      if (result.state !== "completed") throw new Error(`bench: ${name} ended as ${result.state}`);
      return result.latency.p50;
    });
    return { caseMs: sampleMs / runCase.times, peak: (peak.work * runPeak.times) / peakMs / 1e6 };
  });
  const times = samples.map(({ caseMs }) => caseMs);
  const { name, unit, work, repeats = 1 } = benchCase;
  const seconds = quantileOf(times, 0.5) / 1000;
  const shares = samples.map((sample) => work / (1e6 * sample.caseMs) / sample.peak);
  return {
    name,
    unit,
    rate: unit === "us" ? seconds / repeats / unitOfWork.us : work / seconds / unitOfWork[unit],
    spread: (quantileOf(times, 0.75) - quantileOf(times, 0.25)) / 2000 / seconds,
    share: unit === "GFLOP/s" ? quantileOf(shares, 0.5) : null,
    peak: quantileOf(
      samples.map((sample) => sample.peak),
      0.5,
    ),
    rounds,
  };
}

/** Warms a call up and repeats it as often as fits a sample. */
function repeated(run: () => void): { call: () => void; times: number } {
  const start = performance.now();
  let fastestMs = Number.POSITIVE_INFINITY;
  do {
    const before = performance.now();
    run();
    fastestMs = Math.min(fastestMs, performance.now() - before);
  } while (performance.now() - start < WARMUP_MS);
  const times = Math.max(1, Math.ceil(SAMPLE_MS / fastestMs));
  const call = () => {
    for (let i = 0; i < times; i++) run();
  };
  return { call, times };
}

/** Time that the threads of this process have run. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The quantile of numbers in any order. */
export function quantileOf(values: readonly number[], share: number): number {
  return quantile(Float64Array.from(values).sort(), share);
}
