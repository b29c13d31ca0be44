import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { projectionStart } from "../../src/export/projection-start.js";
import { Linear } from "../../src/nn/linear.js";
import { ProjectionHeads } from "../../src/poa/head.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";

await init();

const head = new ProjectionHeads({
  ...{ inFeatures: 8, prototypes: [5], hidden: 6, bottleneck: 3, layers: 2, init: "fan_in", rng: new Rng(1) },
});
const weights = new Map(
  [...head.stateDict()].map(([name, x]) => [`dino_head.${name}`, { shape: x.shape, data: x.toArray() }]),
);

for (const features of [8, 4]) {
  test(`a layer that starts from a head computes what the head's first layer does for ${features} features`, () => {
    const { weight, bias } = projectionStart(weights, features)!;
    const layer = new Linear(features, 6, { rng: new Rng(2) });
    layer.loadStateDict(
      new Map([
        ["weight", weight],
        ["bias", bias],
      ]),
    );
    const x = fromArray(numbers([3, features], 4), [3, features]);
    const first = (head.slice(features) as unknown as Record<string, Record<string, Linear>>).mlp0["0"];
    const [actual, expected] = step(() => [layer.forward(x).toArray(), first.forward(x).toArray()]);
    for (const [i, value] of expected.entries()) assert.ok(Math.abs(actual[i] - value) < 1e-6);
  });
}

test("without a head, or for a feature longer than it reads, there is no start", () => {
  assert.is(projectionStart(new Map(), 4), null);
  assert.is(projectionStart(weights, 14), null);
});
