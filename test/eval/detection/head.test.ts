import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { DetectionHead } from "../../../src/eval/detection/head.js";
import { init } from "../../../src/runtime/context.js";
import { fromArray } from "../../../src/tensor/create.js";
import { Rng } from "../../../src/tensor/random.js";
import { numbers } from "../../support/gradcheck.js";
import { test } from "../../support/test.js";

await init();
const head = new DetectionHead({ channels: 16, classes: 3, depth: 2, rng: new Rng(4) });
const map = (height: number, width: number, seed: number) => {
  const shape = [2, height, width, 16];
  return fromArray(numbers(shape, seed), shape);
};

test("predictions have a row for every point of every image, in the order of rowOf", () => {
  step(() => {
    const [fine, coarse] = [map(3, 4, 1), map(2, 2, 2)];
    const both = head.forward([fine, coarse]);
    assert.equal(
      [both.classes.shape, both.distances.shape, both.centreness.shape],
      [
        [32, 3],
        [32, 4],
        [32, 1],
      ],
    );
    // The level of a map changes nothing: weights are shared.
    const alone = head.forward([coarse]);
    assert.equal([...both.classes.toArray().slice(24 * 3)], [...alone.classes.toArray()]);
    assert.equal([...both.distances.toArray().slice(24 * 4)], [...alone.distances.toArray()]);
  });
});

test("at the start every class is improbable and boxes are eight strides wide", () => {
  step(() => {
    const { classes, distances } = head.forward([map(4, 4, 3)]);
    for (const logit of classes.toArray()) {
      const p = 1 / (1 + Math.exp(-logit));
      assert.ok(p > 0.002 && p < 0.05, `${p}`);
    }
    for (const distance of distances.toArray()) assert.ok(distance > 2 && distance < 6, `${distance}`);
  });
});

test("weight decay leaves biases and norms alone by their names", () => {
  const names = head.namedParameters().map(([name]) => name);
  assert.ok(names.includes("classTower.0.conv.weight") && names.includes("boxTower.1.norm.weight"));
  assert.ok(names.includes("centreness.bias"));
  assert.is(names.length, 4 * 3 + 3 * 2);
});
