import * as assert from "uvu/assert";
import { loopModule, vectors } from "../../src/runtime/loop-module.js";
import { Peak, peakBandwidth } from "../../src/runtime/peak.js";
import { test } from "../support/test.js";

test("a written loop is a valid module that takes as many turns as it is told", () => {
  const { get, set, splat, add } = vectors;
  const module = loopModule({
    vectors: 2,
    before: [...get(1), ...splat, ...set(2)],
    turn: [...get(3), ...get(2), ...add, ...set(3)],
    sum: [3, 2],
  });
  const { loop } = new WebAssembly.Instance(new WebAssembly.Module(module)).exports as {
    loop: (steps: number, x: number) => number;
  };
  assert.is(loop(10, 0.5), 5.5);
  assert.is(loop(200, 2), 402);
});

test("constants beyond one byte and several locals are encoded as the format wants", () => {
  const { get, set, i32 } = vectors;
  for (const constant of [0, 1, 63, 64, 127, 128, 300, 70_000]) {
    const module = loopModule({
      numbers: 2,
      vectors: 1,
      before: [...i32(constant), ...set(2)],
      turn: [...get(2), ...set(3)],
      sum: [],
    });
    assert.ok(WebAssembly.validate(module), String(constant));
  }
});

test("the peak does the operations that it counts, each call alike, and bytes pass at a rate that memory has", () => {
  const peak = Peak.compile();
  assert.is(peak.work, 20_000 * 12 * 4);
  const before = performance.now();
  peak.run();
  const gflops = peak.work / (performance.now() - before) / 1e6;
  assert.ok(gflops > 0.01 && gflops < 2000, `${gflops} GFLOP/s`);
  const bandwidth = peakBandwidth() / 1e9;
  assert.ok(bandwidth > 0.05 && bandwidth < 5000, `${bandwidth} GB/s`);
});
