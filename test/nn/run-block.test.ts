import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import type { BranchSample } from "../../src/nn/drop-path.js";
import { LayerNorm } from "../../src/nn/norm.js";
import { runBlock } from "../../src/nn/run-block.js";
import { sum } from "../../src/ops/reduce.js";
import { init, memory } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

test("a block that is recomputed sees the draws of its first run again, in their order", async () => {
  await init();
  const norm = new LayerNorm(2);
  let draws = 0;
  const dropPath = (batch: number, rate: number): BranchSample => ({ scale: batch + rate + draws++ });
  const seen: unknown[] = [];
  step(() => {
    const x = fromArray([1, 2], [1, 2]);
    const y = runBlock(norm, x, { dropPath, recompute: true }, (sample) => {
      seen.push([sample?.(4, 0.5).scale, sample?.(4, 0.25).scale]);
      return norm.forward(x);
    });
    sum(y).backward();
  });
  assert.equal(seen, [
    [4.5, 5.25],
    [4.5, 5.25],
  ]);
  assert.is(draws, 2);
});

test("the temporaries of a block end with it, unless they are recorded for a plain backward", async () => {
  await init();
  const norm = new LayerNorm(2);
  const usedAfter = (recompute: boolean, tracked: boolean) =>
    step(() => {
      norm.requireGrad(tracked);
      const x = fromArray([1, 2], [1, 2]);
      runBlock(norm, x, { recompute }, () => {
        empty([1000]);
        return norm.forward(x);
      });
      return memory().stepBytes;
    });
  assert.ok(usedAfter(true, true) < 1000);
  assert.ok(usedAfter(false, true) > 4000);
});
