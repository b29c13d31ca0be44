import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ShapeError } from "../../src/errors.js";
import { FeaturePyramid } from "../../src/nn/feature-pyramid.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const rng = new Rng(1);

test("each map has the coarser ones added, resized to its size, from the coarsest down", async () => {
  await init();
  const pyramid = new FeaturePyramid([1, 1, 1], { channels: 1, rng });
  for (const x of pyramid.parameters()) x.write(new Float32Array(x.numel));
  // Maps times 1, 2 and 3, then the pixel itself.
  pyramid.lateral.forEach(({ conv }, i) => {
    conv.weight.write([i + 1]);
  });
  for (const { conv } of pyramid.output) conv.weight.write([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  const maps = [
    fromArray([1, 2, 3, 4], [1, 1, 4, 1]),
    fromArray([10, 20], [1, 1, 2, 1]),
    fromArray([100], [1, 1, 1, 1]),
  ];
  const out = step(() => pyramid.forward(maps).map((x) => [...x.toArray()]));
  // 300; 20 + 300 and 40 + 300; between 320 and 340 at quarters.
  assert.equal(out, [[321, 327, 338, 344], [320, 340], [300]]);
});

test("further maps are every second pixel of the one before", async () => {
  await init();
  const pyramid = new FeaturePyramid([2, 3], { channels: 4, extraLevels: 2, rng });
  const maps = step(() => pyramid.forward([leaf([2, 8, 6, 2], 1), leaf([2, 4, 3, 3], 2)]));
  assert.equal(
    maps.map(({ shape }) => shape),
    [
      [2, 8, 6, 4],
      [2, 4, 3, 4],
      [2, 2, 2, 4],
      [2, 1, 1, 4],
    ],
  );
  const second = maps[1].toArray();
  const pixel = (row: number, column: number) => [...second.slice(4 * (3 * row + column), 4 * (3 * row + column) + 4)];
  assert.equal(
    [...maps[2].toArray().slice(0, 16)],
    [
      [0, 0],
      [0, 2],
      [2, 0],
      [2, 2],
    ].flatMap(([row, column]) => pixel(row, column)),
  );
});

test("backward of the pyramid is its derivative, for maps whose sizes are no multiples", async () => {
  await initDouble();
  const [fine, coarse] = [leaf([1, 5, 3, 2], 1), leaf([1, 2, 2, 3], 2)];
  for (const options of [{}, { norm: { norm: "group", groups: 2 } as const, relu: true }]) {
    const pyramid = withNumbers(new FeaturePyramid([2, 3], { channels: 4, rng, ...options }));
    const used = pyramid.namedParameters().filter(([name]) => !name.startsWith("output.1"));
    gradcheck(() => pyramid.forward([fine, coarse])[0], [fine, coarse, ...used.map(([, x]) => x)]);
  }
});

test("another number of maps is refused", async () => {
  await init();
  const pyramid = new FeaturePyramid([2, 3], { channels: 4, rng });
  refuses(() => pyramid.forward([leaf([1, 2, 2, 2], 1)]), ShapeError, "feature pyramid: 1 maps, expected 2.");
});
