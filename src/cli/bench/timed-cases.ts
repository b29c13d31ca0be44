import { init } from "../../runtime/context.js";
import type { Call } from "../command.js";
import { processorName } from "../host.js";
import { formatTable, type Output } from "../output.js";
import { type BenchCase, unitOfWork } from "./case.js";
import type { Measurement } from "./measure.js";

/** Milliseconds of a round for the case, and as much again for the peak. */
const ROUND_MS = 60;

/** Options of the verbs that time cases. */
export const timingOptions = {
  rounds: { value: "N", about: "rounds of each case, each beside the multiply-add peak", fallback: "5" },
} as const;

/** A case as it is told: its rate, and which share of what the host can do at best that is. */
export interface TimedCase {
  readonly name: string;
  readonly unit: string;
  readonly rate: number;
  /** Half the distance between the quartiles of the rounds, relative to the median. */
  readonly spread: number;
  /** Of the multiply-adds or of the bytes; null for other units. */
  readonly share: number | null;
  readonly imagesPerSecond?: number;
}

/**
 * Times cases one after the other, each on a fresh runtime, and tells them as lines and as the result. Timing runs on one
 * thread unless `--threads` says otherwise; shares are of the peak of one thread.
 */
export async function tellTimes(cases: readonly BenchCase[], call: Call, output: Output): Promise<void> {
  // Loaded here, since no other verb needs the package that it stands on.
  const [{ measure }, { Peak, peakBandwidth }] = await Promise.all([
    import("./measure.js"),
    import("../../runtime/peak.js"),
  ]);
  const peak = Peak.compile({ relaxed: call.simd === "relaxed" });
  const bandwidth = peakBandwidth() / 1e9;
  const wanted = call.text("threads") === undefined ? 1 : call.threads;
  const results: Measurement[] = [];
  let threads = 1;
  for (const benchCase of cases) {
    output.progress(() => `${results.length}/${cases.length} ${benchCase.name}`);
    ({ threads } = await init({ threads: wanted, simd: call.simd })); // a fresh memory for each, so that none depends on what ran before
    results.push(measure(benchCase, peak, { rounds: call.integer("rounds", 1)!, roundMs: ROUND_MS, clock: "wall" }));
  }
  const gflops = results.reduce((sum, result) => sum + result.peak, 0) / results.length;
  const timed = results.map((result, i) => timedCase(result, cases[i], bandwidth));
  const host = { machine: processorName(), threads, simd: call.simd };
  output.result(
    { ...host, peak: { gflops, gbytes: bandwidth }, cases: timed },
    [
      `${host.machine}, ${threads === 1 ? "1 thread" : `${threads} threads`}, build ${host.simd}`,
      `peak of one thread: ${gflops.toFixed(1)} GFLOP/s, ${bandwidth.toFixed(1)} GB/s`,
      "",
      formatTable([["", "rate", "", "±", "of peak", ""], ...timed.map(rowOf)]),
    ].join("\n"),
  );
}

function timedCase({ name, unit, rate, spread, share }: Measurement, of: BenchCase, bandwidth: number): TimedCase {
  const seconds = of.work / (rate * unitOfWork[unit]);
  const images = of.images && { imagesPerSecond: of.images / seconds };
  return { name, unit, rate, spread, share: unit === "GB/s" ? rate / bandwidth : share, ...images };
}

function rowOf({ name, unit, rate, spread, share, imagesPerSecond }: TimedCase): string[] {
  const percent = (value: number) => `${(100 * value).toFixed(0)} %`;
  const figure = (value: number) => value.toFixed(value >= 10 ? 1 : 3);
  const images = imagesPerSecond === undefined ? "" : `${figure(imagesPerSecond)} images/s`;
  return [name, figure(rate), unit, percent(spread), share === null ? "" : percent(share), images];
}
