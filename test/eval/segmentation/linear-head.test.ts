import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { LinearHead } from "../../../src/eval/segmentation/linear-head.js";
import { resizeBilinear } from "../../../src/ops/bilinear.js";
import { concatColumns } from "../../../src/ops/concat.js";
import { linear } from "../../../src/ops/linear.js";
import { init } from "../../../src/runtime/context.js";
import { Rng } from "../../../src/tensor/random.js";
import { withNumbers } from "../../models/backbone-suite.js";
import { close } from "../../support/close.js";
import { gradcheck, leaf } from "../../support/gradcheck.js";
import { initDouble } from "../../support/runtime.js";
import { test } from "../../support/test.js";

const shapes = [
  { channels: 2, stride: 4 },
  { channels: 3, stride: 8 },
];
const maps = () => [leaf([2, 4, 6, 2], 1), leaf([2, 2, 3, 3], 2)];
const head = () => withNumbers(new LinearHead(shapes, 4, new Rng(1)));

test("logits are those of one linear layer over all maps, resized to the finest and joined", async () => {
  await initDouble();
  const [fine, coarse] = maps();
  const own = head();
  const { weight, bias } = own.classifier;
  const expected = step(() => linear(concatColumns([fine, resizeBilinear(coarse, 4, 6)]), weight, bias).toArray());
  const actual = step(() => own.forward([fine, coarse]));
  assert.equal(actual.shape, [2, 4, 6, 4]);
  close(actual.toArray(), expected, 1e-12);
});

test("backward of the head is its derivative", async () => {
  await initDouble();
  const [fine, coarse] = maps();
  const own = head();
  gradcheck(() => own.forward([fine, coarse]), [fine, coarse, ...own.parameters()]);
});

test("the start is a function of the seed", async () => {
  await init();
  const start = (seed: number) => new LinearHead(shapes, 4, new Rng(seed)).classifier.weight.toArray();
  assert.equal(start(1), start(1));
  assert.not.equal(start(1), start(2));
});
