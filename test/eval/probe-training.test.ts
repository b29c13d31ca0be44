import * as assert from "uvu/assert";
import { LinearProbe } from "../../src/eval/linear-probe.js";
import { cachedBatches } from "../../src/eval/probe-batches.js";
import { type ProbeReport, probePlan, trainProbe } from "../../src/eval/probe-training.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";

await init();

const features = fromArray(numbers([20, 4], 1), [20, 4]);
const labels = Int32Array.from({ length: 20 }, (_, i) => i % 2);
const batchesFrom = (start: number) => cachedBatches({ features, labels }, { batchSize: 5, seed: 1, start });
const newProbe = () =>
  new LinearProbe({
    ...{ inputs: [{ layers: 1, pooled: false, first: 0, length: 4 }], classes: 2, iterations: 12, batchSize: 5 },
    learningRates: [1, 10],
  });
const weightsOf = (probe: LinearProbe) => [...probe.stateDict().values()].map((x) => [...x.toArray()]);

test("the usual plan is 20 passes in batches of 256, within 2,000 and 12,500 steps", () => {
  assert.equal(probePlan(1_281_167), { batchSize: 256, iterations: 12_500 });
  assert.equal(probePlan(50_000), { batchSize: 256, iterations: 20 * 195 });
  assert.equal(probePlan(9_000), { batchSize: 256, iterations: 2_000 });
  assert.equal(probePlan(100), { batchSize: 100, iterations: 2_000 });
});

test("passes or steps can be asked for", () => {
  assert.equal(probePlan(50_000, { epochs: 2, batchSize: 100 }), { batchSize: 100, iterations: 1_000 });
  assert.equal(probePlan(50_000, { epochs: 1, batchSize: 100 }), { batchSize: 100, iterations: 500 });
  assert.equal(probePlan(50_000, { iterations: 7 }), { batchSize: 256, iterations: 7 });
  assert.equal(probePlan(10, { epochs: 3 }), { batchSize: 10, iterations: 3 });
});

test("every step is reported with the mean loss of the classifiers, which falls from ln 2", async () => {
  const reports: ProbeReport[] = [];
  const probe = newProbe();
  assert.is(await trainProbe(probe, batchesFrom, { onStep: (report) => reports.push(report) }), true);
  assert.equal(
    reports.map(({ iteration }) => iteration),
    Array.from({ length: 12 }, (_, i) => i),
  );
  assert.ok(Math.abs(reports[0].loss - Math.LN2) < 0.02, `${reports[0].loss}`);
  assert.ok(probe.finished);
});

test("a signal ends it after a step, saved; continued, it ends with the same bits", async () => {
  const whole = newProbe();
  await trainProbe(whole, batchesFrom);
  const stop = new AbortController();
  const stopped = newProbe();
  const saved: number[] = [];
  const finished = await trainProbe(stopped, batchesFrom, {
    signal: stop.signal,
    onStep: ({ iteration }) => iteration === 4 && stop.abort(),
    save: ({ iteration }) => saved.push(iteration),
  });
  assert.is(finished, false);
  assert.equal([stopped.iteration, saved], [5, [5]]);
  assert.is(await trainProbe(stopped, batchesFrom), true);
  assert.equal(weightsOf(stopped), weightsOf(whole));
});

test("states are saved at intervals and at the end, each once", async () => {
  const saved: number[] = [];
  const save = ({ iteration }: LinearProbe) => {
    saved.push(iteration);
  };
  await trainProbe(newProbe(), batchesFrom, { save, saveEverySeconds: 0 });
  assert.equal(
    saved,
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  saved.length = 0;
  const probe = newProbe();
  await trainProbe(probe, batchesFrom, { save });
  assert.equal(saved, [12]);
  await trainProbe(probe, batchesFrom, { save });
  assert.equal(saved, [12], "a finished probe has nothing new");
});
