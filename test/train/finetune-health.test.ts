import * as assert from "uvu/assert";
import { NumericError } from "../../src/errors.js";
import { FinetuneHealth } from "../../src/train/finetune-health.js";
import type { FinetuneReport } from "../../src/train/finetuner.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const report = (iteration: number, updated: boolean): FinetuneReport => ({
  ...{ iteration, updated, epoch: 0, lr: 1, loss: updated ? 1 : Number.NaN, gradientNorm: 1 },
  ...{ images: 1, elapsedMs: 1, dataWaitMs: 0 },
});

test("the first of several bad steps is told, a good one ends the count", () => {
  const told: string[] = [];
  const health = new FinetuneHealth((message) => told.push(message));
  const counts = [true, false, false, true, false].map((updated, i) => {
    health.add(report(i, updated));
    return health.badSteps;
  });
  assert.equal(counts, [0, 1, 2, 0, 1]);
  assert.is(told.length, 2);
  assert.match(told[1], /^step 4: the loss or a gradient is not finite/);
});

test("the fifth bad step in a row ends the run", () => {
  const health = new FinetuneHealth();
  for (let i = 0; i < 4; i++) health.add(report(i, false));
  refuses(() => health.add(report(4, false)), NumericError, "5 steps in a row up to 4 were not finite");
});
