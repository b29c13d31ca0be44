import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { UperNetHead } from "../../../src/eval/segmentation/upernet-head.js";
import { init } from "../../../src/runtime/context.js";
import { Rng } from "../../../src/tensor/random.js";
import { withNumbers } from "../../models/backbone-suite.js";
import { leaf } from "../../support/gradcheck.js";
import { test } from "../../support/test.js";

const options = () => ({ channels: 3, rng: new Rng(1) });
const stages = [1, 2, 4, 8].map((factor) => ({ channels: 2 * factor, stride: 4 * factor }));
const ofStages = () => stages.map(({ channels }, s) => leaf([2, 8 >> s, 8 >> s, channels], s + 1));
const patches = (stride: number) => new Array(4).fill({ channels: 4, stride });
const ofPatches = () => [1, 2, 3, 4].map((seed) => leaf([2, 4, 4, 4], seed));

test("logits have the size of the finest map of stages", async () => {
  await init();
  const head = new UperNetHead(stages, 5, options());
  assert.is(head.patches, null);
  assert.equal(step(() => head.forward(ofStages())).shape, [2, 8, 8, 5]);
});

test("maps of one size grow until a cell is a quarter of the usual patch", async () => {
  await init();
  for (const [stride, side, scales] of [
    [16, 16, [4, 2, 1, 0.5]],
    [14, 16, [4, 2, 1, 0.5]],
    [8, 8, [2, 1, 0.5, 0.25]],
    [4, 4, [1, 0.5, 0.25, 0.125]],
  ] as const) {
    const head = new UperNetHead(patches(stride), 2, options());
    assert.equal(head.patches?.scales, scales);
    assert.equal(step(() => head.forward(ofPatches())).shape, [2, side, side, 2]);
  }
});

test("every parameter takes part", async () => {
  await init();
  for (const [shapes, maps] of [
    [stages, ofStages],
    [patches(8), ofPatches],
  ] as const) {
    const head = withNumbers(new UperNetHead(shapes, 2, options()));
    step(() => {
      const logits = head.forward(maps());
      logits.backward(Float32Array.from({ length: logits.numel }, (_, i) => Math.sin(i)));
    });
    const idle = head.namedParameters().filter(([, x]) => !x.grad()?.some((value) => value !== 0));
    assert.equal(
      idle.map(([name]) => name),
      [],
    );
  }
});
