import * as assert from "uvu/assert";
import { applyAugmentation, augmentBytes, resizeImage } from "../../src/data/augment.js";
import type { AugmentParameters, ColorStep } from "../../src/data/augment-parameters.js";
import { ImageWorkspace } from "../../src/data/image-workspace.js";
import { init, memory } from "../../src/runtime/context.js";
import { persistent } from "../../src/tensor/create.js";
import { assertLevels, bytesOf, imageOf, noiseImage } from "../support/image-bytes.js";
import { storedFixture } from "../support/stored-fixture.js";
import { test } from "../support/test.js";

await init();

const golden = storedFixture("golden/augment_ops.safetensors");
const pillow = storedFixture("pillow/images.safetensors");

const imagenet = { channels: 3, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const grey = { channels: 1, mean: [0.5], std: [0.5] };

/** Leaves an image of this size as it is, but for what is given. */
function parametersFor(height: number, width: number, given: Partial<AugmentParameters> = {}): AugmentParameters {
  const window = { top: 0, left: 0, height, width };
  return { rotation: 0, window, flip: false, jitter: [], grayscale: false, blur: null, solarize: false, ...given };
}

const jitter = (op: ColorStep["op"], amount: number): Partial<AugmentParameters> => ({ jitter: [{ op, amount }] });

const goldenOps: [string, Partial<AugmentParameters>, number][] = [
  ["brightness", jitter("brightness", 1.3), 0],
  ["contrast", jitter("contrast", 0.7), 0],
  ["saturation", jitter("saturation", 1.15), 0],
  ["hue", jitter("hue", 0.08), 0],
  ["grayscale", { grayscale: true }, 0],
  ["solarize128", { solarize: true }, 0],
  ["hflip", { flip: true }, 0],
  ["gaussian_blur_k9", { blur: { kernel: 9, sigma: 1.1 } }, 1],
];

for (const [name, given, levels] of goldenOps) {
  test(`${name} equals torchvision on a Pillow image`, () => {
    const workspace = new ImageWorkspace(imagenet);
    workspace.load(imageOf(golden("in.image")));
    const result = augmentBytes(workspace, parametersFor(40, 36, given), { height: 40, width: 36 });
    assertLevels(bytesOf(result, 3), golden(`out.${name}`), levels, name);
  });
}

test("a resized crop equals torchvision on a Pillow image", () => {
  const workspace = new ImageWorkspace(imagenet);
  workspace.load(imageOf(golden("in.image")));
  const window = { top: 5, left: 3, height: 27, width: 24 };
  const result = augmentBytes(workspace, parametersFor(40, 36, { window }), { height: 32, width: 32 });
  assertLevels(bytesOf(result, 3), golden("out.resized_crop_bicubic"), 0, "resized crop");
});

test("normalised numbers equal torchvision's bit for bit", () => {
  const workspace = new ImageWorkspace(imagenet);
  workspace.load(imageOf(golden("in.image")));
  const target = persistent([3, 40, 36]);
  applyAugmentation(workspace, parametersFor(40, 36), { height: 40, width: 36 }, target.ptr);
  assert.equal(target.toArray(), golden("out.normalized").data);
});

const window = { top: 4, left: 6, height: 15, width: 20 };
const pillowOps: [string, Partial<AugmentParameters>, [number, number]?][] = [
  ["rotate_17.3", { rotation: 17.3 }],
  ["rotate_-140.5", { rotation: -140.5 }],
  ["rotate_17.3_grey", { rotation: 17.3 }],
  ["bicubic_7x9", {}, [7, 9]],
  ["bicubic_50x64", {}, [50, 64]],
  ["bicubic_9x40_grey", {}, [9, 40]],
  ["window_16x16_flipped", { window, flip: true }, [16, 16]],
  ["rotated_window_16x16", { window, rotation: 17.3 }, [16, 16]],
  ["brightness_0.6", jitter("brightness", 0.6)],
  ["brightness_1.4", jitter("brightness", 1.4)],
  ["contrast_0.6", jitter("contrast", 0.6)],
  ["contrast_1.4", jitter("contrast", 1.4)],
  ["saturation_0.8", jitter("saturation", 0.8)],
  ["saturation_1.2", jitter("saturation", 1.2)],
  ["hue_-0.1", jitter("hue", -0.1)],
  ["hue_0.07", jitter("hue", 0.07)],
  ["brightness_1.4_grey", jitter("brightness", 1.4)],
  ["contrast_1.4_grey", jitter("contrast", 1.4)],
  ["solarize_grey", { solarize: true }],
];

for (const [name, given, [height, width] = [23, 31]] of pillowOps) {
  test(`${name} equals Pillow's bytes`, () => {
    const options = name.endsWith("_grey") ? grey : imagenet;
    const workspace = new ImageWorkspace(options);
    workspace.load(imageOf(pillow(options === grey ? "in.grey" : "in.rgb")));
    const result = augmentBytes(workspace, parametersFor(23, 31, given), { height, width });
    assertLevels(bytesOf(result, options.channels), pillow(`out.${name}`), 0, name);
  });
}

test("a bilinear resize equals Pillow's bytes", () => {
  const workspace = new ImageWorkspace(imagenet);
  workspace.load(imageOf(pillow("in.rgb")));
  const result = resizeImage(workspace, {
    source: workspace.source,
    size: { height: 12, width: 40 },
    filter: "bilinear",
  });
  assertLevels(bytesOf(result, 3), pillow("out.bilinear_12x40"), 0, "bilinear");
});

test("the visible part of a resize is that part of the whole result", () => {
  const workspace = new ImageWorkspace(imagenet);
  workspace.load(noiseImage({ width: 50, height: 41 }));
  const request = { source: workspace.source, size: { height: 20, width: 30 } };
  const whole = bytesOf(resizeImage(workspace, request), 3);
  const visible = { top: 3, left: 7, height: 12, width: 11 };
  const part = bytesOf(resizeImage(workspace, { ...request, visible }), 3);
  for (let y = 0; y < 12; y++) {
    assert.equal(part.slice(33 * y, 33 * (y + 1)), whole.slice(90 * (y + 3) + 21, 90 * (y + 3) + 54), `row ${y}`);
  }
});

test("an image of one channel skips saturation, hue and greys", () => {
  const workspace = new ImageWorkspace(grey);
  const image = noiseImage({ channels: 1 });
  workspace.load(image);
  const colors: ColorStep[] = [
    { op: "saturation", amount: 1.2 },
    { op: "hue", amount: 0.1 },
  ];
  const result = augmentBytes(workspace, parametersFor(32, 32, { jitter: colors, grayscale: true }), {
    height: 32,
    width: 32,
  });
  assert.equal(bytesOf(result, 1), image.data);
});

test("colour operations are applied in the given order", () => {
  const workspace = new ImageWorkspace(imagenet);
  workspace.load(noiseImage());
  const [bright, hue]: ColorStep[] = [
    { op: "brightness", amount: 1.4 },
    { op: "hue", amount: 0.1 },
  ];
  const run = (steps: ColorStep[]) =>
    bytesOf(augmentBytes(workspace, parametersFor(32, 32, { jitter: steps }), { height: 32, width: 32 }), 3);
  const first = run([bright]);
  workspace.load({ ...noiseImage(), data: first });
  const stepwise = run([hue]);
  workspace.load(noiseImage());
  assert.equal(run([bright, hue]), stepwise);
  assert.not.equal(run([hue, bright]), stepwise);
});

test("a blur keeps a constant image, borders included", () => {
  const workspace = new ImageWorkspace(imagenet);
  const image = { width: 20, height: 9, channels: 3, data: new Uint8Array(540).fill(201) };
  workspace.load(image);
  const result = augmentBytes(workspace, parametersFor(9, 20, { blur: { kernel: 9, sigma: 2 } }), {
    height: 9,
    width: 20,
  });
  assert.equal(bytesOf(result, 3), image.data);
});

test("images after the first of their size allocate nothing", () => {
  const workspace = new ImageWorkspace(imagenet);
  const target = persistent([3, 24, 24]);
  const run = (seed: number) => {
    workspace.load(noiseImage({ seed }));
    const all = parametersFor(32, 32, { ...jitter("contrast", 1.1), rotation: 5, blur: { kernel: 5, sigma: 1 } });
    applyAugmentation(workspace, all, { height: 24, width: 24 }, target.ptr);
  };
  run(1);
  const before = memory();
  for (let seed = 2; seed < 20; seed++) run(seed);
  assert.equal(memory(), before);
  workspace.dispose();
  assert.ok(memory().persistentBytes < before.persistentBytes, "dispose gives memory back");
});
