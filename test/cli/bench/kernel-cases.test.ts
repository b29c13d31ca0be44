import * as assert from "uvu/assert";
import type { Prepared } from "../../../src/cli/bench/case.js";
import { kernelCases } from "../../../src/cli/bench/kernel-cases.js";
import { init, memory } from "../../../src/runtime/context.js";
import { test } from "../../support/test.js";

await init();

test("every kernel that is timed runs, and gives back the memory that it took", () => {
  assert.is(new Set(kernelCases.map(({ name }) => name)).size, kernelCases.length);
  assert.ok(kernelCases.every(({ unit }) => unit === "GFLOP/s" || unit === "GB/s"));
  for (const { name, work, prepare } of kernelCases.filter(({ unit }) => unit === "GFLOP/s")) {
    const before = memory().persistentBytes;
    const { run, dispose } = prepare() as Prepared;
    run();
    dispose();
    assert.is(memory().persistentBytes, before, name);
    assert.ok(work > 1e6, name);
  }
});
