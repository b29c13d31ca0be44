import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import { BatchNorm } from "../../src/nn/batch-norm.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { leaf } from "../support/gradcheck.js";
import { test } from "../support/test.js";

const state = ({ running_mean, running_var, num_batches_tracked }: BatchNorm) =>
  [running_mean, running_var, num_batches_tracked].map((x) => [...x.toArray()]);

test("statistics are those of the batch where its weight is trained, and the running ones elsewhere", async () => {
  await init();
  const norm = new BatchNorm(1, { eps: 0, momentum: 0.5 });
  const x = fromArray([2, 6], [2, 1]);
  const run = () => step(() => [...norm.forward(x).toArray()]);
  assert.equal(noGrad(run), [2, 6]);
  norm.requireGrad(false);
  assert.equal(run(), [2, 6]);
  assert.equal(state(norm), [[0], [1], [0]]);
  norm.requireGrad(true);
  assert.equal(run(), [-1, 1]);
  assert.equal(state(norm), [[2], [4.5], [1]]);
});

test("running statistics are state, not parameters, also in a slice and in its copy", async () => {
  await init();
  const norm = new BatchNorm(4);
  const slice = norm.slice(2);
  for (const module of [norm, slice, slice.materialize()]) {
    assert.equal(
      module.namedParameters().map(([name]) => name),
      ["weight", "bias"],
    );
    assert.equal(
      [...module.stateDict().keys()],
      ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"],
    );
    module.requireGrad(true);
    assert.not(module.running_mean.tracked);
  }
  step(() => slice.forward(leaf([8, 2], 1)));
  const [mean] = state(norm);
  assert.ok(mean[0] !== 0 && mean[1] !== 0 && mean[2] === 0 && mean[3] === 0);
});
