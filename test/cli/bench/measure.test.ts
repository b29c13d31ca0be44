import * as assert from "uvu/assert";
import type { BenchCase } from "../../../src/cli/bench/case.js";
import { type Measurement, measure } from "../../../src/cli/bench/measure.js";
import { test } from "../../support/test.js";

const processorMs = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000;

/** Works for so many milliseconds of processor time, however busy the machine is with other things. */
function spend(ms: number): void {
  const end = processorMs() + ms;
  while (processorMs() < end);
}

/** One operation a nanosecond, if nothing else runs: 1 GFLOP/s. */
const peak = { work: 4e6, run: () => spend(4) };
const rounds = { rounds: 3, roundMs: 20, clock: "processor" } as const;
const ofFiveMs = (rest: Partial<BenchCase>): Measurement =>
  measure({ name: "case", unit: "GFLOP/s", work: 1e6, prepare: () => () => spend(5), ...rest }, peak, rounds);

const near = (actual: number, expected: number) =>
  assert.ok(actual > 0.7 * expected && actual < 1.2 * expected, `${actual}, expected about ${expected}`);

test("a rate is work per second in the unit of the case", () => {
  const { name, unit, rate, spread, share, peak, rounds } = ofFiveMs({});
  assert.equal([name, unit, rounds], ["case", "GFLOP/s", 3]);
  near(rate, 0.2);
  near(peak, 1);
  assert.ok(share !== null && Math.abs(share / (rate / peak) - 1) < 0.4, `share ${share}`);
  assert.ok(spread >= 0 && spread < 0.5);
  near(ofFiveMs({ unit: "GB/s", work: 5e7 }).rate, 10);
  near(ofFiveMs({ unit: "Melem/s" }).rate, 200);
  near(ofFiveMs({ unit: "images/s", work: 16 }).rate, 3200);
});

test("microseconds are those of one of the things that a call does, and only arithmetic has a share", () => {
  const { rate, share } = ofFiveMs({ unit: "us", work: 0, repeats: 10 });
  assert.ok(rate >= 500 && rate < 800, `${rate} us`);
  assert.is(share, null);
  assert.is(ofFiveMs({ unit: "GB/s" }).share, null);
});

test("what a case has made is released after it, also when a call throws", () => {
  const events: string[] = [];
  const prepared = (run: () => void) => () => ({ run, dispose: () => void events.push("dispose") });
  ofFiveMs({
    prepare: prepared(() => {
      events.push("run");
      spend(5);
    }),
  });
  assert.is(events.filter((event) => event === "dispose").length, 1);
  assert.is(events.at(-1), "dispose");
  const broken = prepared(() => {
    throw new Error("broken");
  });
  assert.throws(() => ofFiveMs({ prepare: broken }), /broken/);
  assert.is(events.filter((event) => event === "dispose").length, 2);
});
