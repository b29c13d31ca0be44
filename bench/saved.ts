import type { Measurement, MeasureOptions } from "../src/cli/bench/measure.js";
import type { SimdBuild } from "../src/runtime/kernels.js";

/** A run as it is saved: what was measured, and on what. */
export interface Run {
  readonly machine: string;
  readonly engine: string;
  readonly threads: number;
  readonly simd: SimdBuild;
  readonly clock: MeasureOptions["clock"];
  readonly date: string;
  /** Runs of earlier versions do not have the peak of each case. */
  readonly results: readonly (Omit<Measurement, "peak"> & { readonly peak?: number })[];
}

/**
 * How many times faster than in an earlier run, above 1 for better. Where both runs know the peak of their minutes, each
 * counts as a share of it, since the clock of a machine drifts more than kernels differ.
 *
 * @returns null if the earlier run does not have the case, or has it in another unit
 */
export function ratioTo(before: Run, now: Measurement): number | null {
  const earlier = before.results.find(({ name, unit }) => name === now.name && unit === now.unit);
  if (!earlier) return null;
  if (earlier.share !== null && now.share !== null) return now.share / earlier.share;
  const ofRates = now.unit === "us" ? earlier.rate / now.rate : now.rate / earlier.rate;
  return earlier.peak ? ofRates * (earlier.peak / now.peak) : ofRates;
}

/** A result as a line for people. */
export function resultLine({ name, unit, rate, spread, share }: Measurement, ratio: number | null): string {
  const digits = rate >= 10 ? 1 : 3;
  const columns = [
    name.padEnd(58),
    `${rate.toFixed(digits).padStart(8)} ${unit.padEnd(9)}`,
    `±${(100 * spread).toFixed(0).padStart(2)} %`,
    share === null ? "" : `${share.toFixed(2)} of peak`,
    ratio === null ? "" : `${ratio.toFixed(2)}x`,
  ];
  return columns.filter((column) => column !== "").join("  ");
}
