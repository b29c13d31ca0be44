import * as assert from "uvu/assert";
import { augmentBytes } from "../../src/data/augment.js";
import { applyOperations } from "../../src/data/image-operations.js";
import { ImageWorkspace } from "../../src/data/image-workspace.js";
import type { ImageOperation } from "../../src/data/rand-augment.js";
import { init, memory } from "../../src/runtime/context.js";
import { assertLevels, bytesOf, imageOf, noiseImage } from "../support/image-bytes.js";
import { storedFixture } from "../support/stored-fixture.js";
import { test } from "../support/test.js";

await init();

const images = storedFixture("pillow/images.safetensors");
const pillow = storedFixture("pillow/operations.safetensors");

const color = { channels: 3, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const grey = { channels: 1, mean: [0.485], std: [0.2] };
/** As timm fills: means in levels. */
const FILL = [124, 116, 104];

/** What operations make of an image that is loaded as it is. */
function applied(
  options: typeof color,
  image: ReturnType<typeof noiseImage>,
  ...operations: ImageOperation[]
): Uint8Array {
  const workspace = new ImageWorkspace(options);
  workspace.load(image);
  const { height, width } = image;
  const whole = { rotation: 0, window: { top: 0, left: 0, height, width }, flip: false };
  const nothing = { jitter: [], grayscale: false, blur: null, solarize: false };
  const view = augmentBytes(workspace, { ...whole, ...nothing }, { height, width });
  applyOperations(workspace, view, operations, FILL);
  return bytesOf(view, options.channels);
}

const cases: [string, ImageOperation][] = [
  ["autocontrast", { op: "autoContrast" }],
  ["equalize", { op: "equalize" }],
  ["invert", { op: "invert" }],
  ["posterize_3", { op: "posterize", amount: 3 }],
  ["solarize_77", { op: "solarize", amount: 77 }],
  ["solarize_add_99", { op: "solarizeAdd", amount: 99 }],
  ["color_1.81", { op: "saturation", amount: 1.81 }],
  ["contrast_0.19", { op: "contrast", amount: 0.19 }],
  ["brightness_1.81", { op: "brightness", amount: 1.81 }],
  ["sharpness_0.19", { op: "sharpness", amount: 0.19 }],
  ["sharpness_1.81", { op: "sharpness", amount: 1.81 }],
  ["rotate_27", { op: "rotate", amount: 27 }],
  ["rotate_-13.7", { op: "rotate", amount: -13.7 }],
  ["shear_x_0.27", { op: "shearX", amount: 0.27 }],
  ["shear_y_-0.2", { op: "shearY", amount: -0.2 }],
  ["translate_x_0.31", { op: "translateX", amount: 0.31 }],
  ["translate_y_-0.17", { op: "translateY", amount: -0.17 }],
];

for (const [name, operation] of cases) {
  test(`${name} equals Pillow's bytes in colour and grey`, () => {
    assertLevels(applied(color, imageOf(images("in.rgb")), operation), pillow(`rgb.${name}`), 0, name);
    if (name.startsWith("color")) return;
    assertLevels(applied(grey, imageOf(images("in.grey")), operation), pillow(`grey.${name}`), 0, `grey ${name}`);
  });
}

test("operations are applied one after the other", () => {
  const [rotate, invert]: ImageOperation[] = [{ op: "rotate", amount: 20 }, { op: "invert" }];
  const image = noiseImage();
  const first = applied(color, image, rotate);
  assert.equal(applied(color, image, rotate, invert), applied(color, { ...image, data: first }, invert));
  assert.not.equal(applied(color, image, rotate, invert), applied(color, image, invert, rotate));
});

test("an image of one channel keeps its levels where colours are changed", () => {
  const image = noiseImage({ channels: 1 });
  assert.equal(applied(grey, image, { op: "saturation", amount: 1.5 }), image.data);
});

test("images after the first of their size allocate nothing", () => {
  const workspace = new ImageWorkspace(color);
  workspace.load(noiseImage());
  const { source } = workspace;
  const run = () => applyOperations(workspace, source, [cases[11][1], cases[9][1], cases[1][1], cases[7][1]], FILL);
  run();
  const before = memory();
  for (let i = 0; i < 10; i++) run();
  assert.equal(memory(), before);
});
