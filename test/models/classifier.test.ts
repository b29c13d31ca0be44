import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ShapeError } from "../../src/errors.js";
import { Classifier, pooledLength } from "../../src/models/classifier.js";
import { type Encoder, trainableCopy } from "../../src/models/encoder.js";
import { ResNet } from "../../src/models/resnet.js";
import type { Linear } from "../../src/nn/linear.js";
import { init } from "../../src/runtime/context.js";
import { fromArray, shapesOnly } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { gradcheck, numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

const families: [string, () => Encoder, number][] = [
  ["ViT", () => tinyEncoder(), 16],
  ["Swin", () => tinySwin(), 32],
  ["ResNet", () => tinyResnet(), 32],
];

const imagesOf = (side: number, batch = 2) => fromArray(numbers([batch, 3, side, side], 3), [batch, 3, side, side]);
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-4 * Math.max(1, Math.abs(b)), `${a} ${b}`);

/** W·x + b of one row, by hand. */
function byHand(row: ArrayLike<number>, { weight, bias }: Linear): number[] {
  const [w, b] = [weight.toArray(), bias!.toArray()];
  return Array.from(b, (start, k) => start + Array.from(row).reduce((sum, x, i) => sum + x * w[k * row.length + i], 0));
}

for (const [name, make, side] of families) {
  test(`a classifier on a ${name} is a linear layer on what fine-tuning reads`, async () => {
    await init();
    const encoder = make();
    const model = new Classifier(trainableCopy(encoder), { classes: 3, rng: new Rng(1) });
    const images = imagesOf(side, 1);
    const feature = step(() => {
      const { backbone } = encoder;
      if (!(backbone instanceof ResNet)) return [...backbone.forward(images).classToken.toArray()];
      return backbone.intermediate(images, [1, 2, 3]).flatMap(({ classToken }) => [...classToken.toArray()]);
    });
    assert.is(feature.length, pooledLength(encoder.backbone));
    const logits = step(() => model.forward(images).toArray());
    for (const [k, value] of byHand(feature, model.head as Linear).entries()) near(logits[k], value);
  });

  test(`gradients reach every parameter of a ${name} but those that do not take part`, async () => {
    await init();
    const model = new Classifier(trainableCopy(make()), { classes: 3, hidden: 5, rng: new Rng(1) });
    step(() => model.forward(imagesOf(side)).backward(numbers([2, 3], 5)));
    const without = model.namedParameters().filter(([, x]) => !x.grad()?.some((value) => value !== 0));
    for (const [parameter] of without)
      assert.match(parameter, /mask_token$|backbone\.norm[012]\.|^backbone\..*qkv\.bias/);
    assert.ok(!without.some(([parameter]) => parameter.startsWith("head.")));
  });
}

test("the gradient of a classifier on several stages is its derivative", async () => {
  await initDouble();
  const model = new Classifier(trainableCopy(tinyResnet()), { classes: 3, hidden: 4, rng: new Rng(1) });
  for (const x of model.head.parameters()) x.write(numbers(x.shape, x.numel));
  const images = imagesOf(32, 1);
  gradcheck(() => model.forward(images), [...model.head.parameters(), model.backbone.parameters()[1]], { samples: 4 });
});

test("the feature of a ResNet-50 has 3584 numbers, that of others its class feature", () => {
  const options = { stemChannels: 64, outChannels: 256, width: 64, depths: [3, 4, 6, 3], strides: [1, 2, 2, 2] };
  const resnet = shapesOnly(() => new ResNet({ ...options, norm: "group", groups: 32, rng: new Rng(0) }));
  assert.is(pooledLength(resnet), 3584);
  assert.is(shapesOnly(() => new Classifier(resnet, { classes: 10, hidden: 7, rng: new Rng(0) })).classes, 10);
});

test("no class at all is refused", async () => {
  await init();
  const backbone = trainableCopy(tinyEncoder());
  refuses(() => new Classifier(backbone, { classes: 0, rng: new Rng(0) }), ShapeError, "0 classes");
});

test("a trainable copy has the encoder's bits, weights of its own, and rates of drop path that rise over the blocks", async () => {
  await init();
  const encoder = tinyEncoder({ depth: 3 });
  const copy = trainableCopy(encoder, { dropPathRate: 0.2 }) as typeof encoder.backbone;
  const images = imagesOf(16);
  const token = (backbone: typeof encoder.backbone) => step(() => backbone.forward(images).classToken.toArray());
  assert.equal(token(copy), token(encoder.backbone));
  assert.equal(
    copy.blocks.map(({ dropPathRate }) => dropPathRate),
    [0, 0.1, 0.2],
  );
  copy.norm.weight.write(new Float32Array(16));
  assert.ok(encoder.backbone.norm.weight.toArray().some((value) => value !== 0));
  assert.ok(copy.parameters().every(({ tracked }) => tracked));
});
