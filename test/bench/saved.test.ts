import * as assert from "uvu/assert";
import { type Run, ratioTo, resultLine } from "../../bench/saved.js";
import type { Measurement } from "../../src/cli/bench/measure.js";
import { test } from "../support/test.js";

const result: Measurement = {
  name: "gemm",
  unit: "GFLOP/s",
  rate: 40,
  spread: 0.02,
  share: 0.8,
  peak: 50,
  rounds: 9,
};

const before = (...results: Run["results"]): Run => ({
  machine: "m",
  engine: "e",
  threads: 1,
  simd: "plain",
  clock: "wall",
  date: "2026-01-01",
  results,
});

const close = (actual: number | null, expected: number) =>
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-9, `${actual}, expected ${expected}`);

test("arithmetic is compared as shares of the peak, also with a run that knows no peak", () => {
  close(ratioTo(before({ ...result, rate: 10, share: 0.4, peak: 25 }), result), 2);
  close(ratioTo(before({ ...result, share: 0.4, peak: undefined }), result), 2);
});

test("other rates are compared at equal peaks, and microseconds the other way round", () => {
  const moved = { ...result, unit: "GB/s", share: null } as const;
  close(ratioTo(before({ ...moved, rate: 20, peak: 25 }), moved), 1);
  close(ratioTo(before({ ...moved, rate: 20, peak: undefined }), moved), 2);
  const launch = { ...result, unit: "us", share: null, rate: 2 } as const;
  close(ratioTo(before({ ...launch, rate: 3, peak: 50 }), launch), 1.5);
  close(ratioTo(before({ ...launch, rate: 3, peak: 25 }), launch), 0.75);
});

test("a case that the earlier run does not have, or has in another unit, has no ratio", () => {
  assert.is(ratioTo(before(), result), null);
  assert.is(ratioTo(before({ ...result, unit: "us" }), result), null);
});

test("a line has name, rate, spread, and where there are any share and ratio", () => {
  assert.is(resultLine(result, 1.256), `${"gemm".padEnd(58)}      40.0 GFLOP/s    ± 2 %  0.80 of peak  1.26x`);
  const small = resultLine({ ...result, unit: "us", rate: 0.1234, share: null }, null);
  assert.match(small, /^gemm +0\.123 us +± 2 %$/);
});
