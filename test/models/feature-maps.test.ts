import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import { FormatError } from "../../src/errors.js";
import type { Backbone } from "../../src/models/backbone.js";
import { featureMaps, mapPositions, mapShapes } from "../../src/models/feature-maps.js";
import { ResNet } from "../../src/models/resnet.js";
import { SwinTransformer } from "../../src/models/swin.js";
import { VisionTransformer } from "../../src/models/vit.js";
import { Linear } from "../../src/nn/linear.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { gradientOf } from "../support/gradient.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { seededImages, withNumbers } from "./backbone-suite.js";

const rng = new Rng(1);
const vit = (depth = 12) =>
  withNumbers(new VisionTransformer({ imageSize: 16, patchSize: 4, channels: 1, width: 8, depth, headDim: 4, rng }));
const swin = () =>
  withNumbers(
    new SwinTransformer({ patchSize: 2, channels: 1, width: 4, depths: [1, 1, 1, 1], headDim: 2, windowSize: 3, rng }),
  );
const resnet = () =>
  withNumbers(
    new ResNet({
      ...{ channels: 1, stemChannels: 4, outChannels: 6, width: 4, depths: [1, 1, 1, 1], strides: [1, 2, 2, 1] },
      ...{ norm: "group", groups: 2, rng },
    }),
  );

/** The maps' shapes and numbers of two images of 24 × 40 pixels. */
const mapsOf = (backbone: Backbone) =>
  step(() =>
    featureMaps(backbone, seededImages(2, 1, 24, 40)).map((x) => ({ shape: [...x.shape], data: x.toArray() })),
  );

test("a vision transformer's maps are those after blocks 3, 5, 7 and 11 of 12, at the same places of other depths", () => {
  assert.equal(mapPositions(12), [3, 5, 7, 11]);
  assert.equal(mapPositions(24), [7, 11, 15, 23]);
  assert.equal(mapPositions(4), [0, 1, 2, 3]);
  assert.equal(mapPositions(6), [1, 2, 3, 5]);
  assert.equal(mapPositions(2), [0, 0, 0, 1]);
  assert.equal(mapPositions(1), [0, 0, 0, 0]);
});

test("maps have the patch grid of the image, row by row, also where it is not square", async () => {
  await init();
  const model = vit();
  const maps = mapsOf(model);
  assert.equal(
    maps.map(({ shape }) => shape),
    Array.from({ length: 4 }, () => [2, 6, 10, 8]),
  );
  const tokens = step(() =>
    model.intermediate(seededImages(2, 1, 24, 40), [3, 5, 7, 11]).map(({ patchTokens }) => patchTokens.toArray()),
  );
  maps.forEach(({ data }, level) => {
    assert.equal(data, tokens[level]);
  });
});

test("a network of fewer than four blocks gives some maps twice", async () => {
  await init();
  const [first, second, third, last] = mapsOf(vit(2));
  assert.equal(first.data, second.data);
  assert.equal(first.data, third.data);
  assert.not.equal(first.data, last.data);
});

test("maps of a Swin and of a ResNet are those of their stages, halves rounded up", async () => {
  await init();
  assert.equal(
    mapsOf(swin()).map(({ shape }) => shape),
    [
      [2, 12, 20, 4],
      [2, 6, 10, 8],
      [2, 3, 5, 16],
      [2, 2, 3, 32],
    ],
  );
  assert.equal(
    mapsOf(resnet()).map(({ shape }) => shape),
    [
      [2, 6, 10, 6],
      [2, 3, 5, 12],
      [2, 2, 3, 24],
      [2, 2, 3, 48],
    ],
  );
});

test("shapes are told without an image, of a narrower part too", async () => {
  await init();
  assert.equal(mapShapes(vit().slice({ width: 4 })), new Array(4).fill({ channels: 4, stride: 4 }));
  assert.equal(mapShapes(swin()), [
    { channels: 4, stride: 2 },
    { channels: 8, stride: 4 },
    { channels: 16, stride: 8 },
    { channels: 32, stride: 16 },
  ]);
  assert.equal(
    mapShapes(resnet()).map(({ stride }) => stride),
    [4, 8, 16, 16],
  );
});

test("gradients flow from each map to the backbone, and none where it is frozen", async () => {
  await init();
  for (const model of [vit(4), swin(), resnet()]) {
    const images = seededImages(1, 1, 16);
    const size = step(() => noGrad(() => featureMaps(model, images)[3].numel));
    step(() => featureMaps(model, images)[3].backward(new Float32Array(size).fill(1)));
    const first = model.parameters().find(({ name }) => /proj\.weight|conv1\.weight/.test(name))!;
    assert.ok(Array.from(gradientOf(first)).some((value) => value !== 0));
    model.requireGrad(false);
    assert.ok(step(() => featureMaps(model, images).every(({ tracked }) => !tracked)));
  }
});

test("something else than a backbone has no maps", async () => {
  await init();
  const other = new Linear(2, 2, { rng }) as unknown as Backbone;
  refuses(() => mapShapes(other), FormatError, "a Linear is none of VisionTransformer, SwinTransformer, ResNet");
});
