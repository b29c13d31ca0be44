import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { PatchPyramid } from "../../src/nn/patch-pyramid.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { close } from "../support/close.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const rng = new Rng(1);
const groups = { norm: "group", groups: 2 } as const;

test("maps of one size become a pyramid of 4, 2, 1 and ½ times that size", async () => {
  await init();
  const pyramid = new PatchPyramid(4, { norm: groups, rng });
  const shapes = step(() => pyramid.forward([1, 2, 3, 4].map((seed) => leaf([2, 4, 6, 4], seed))).map((x) => x.shape));
  assert.equal(shapes, [
    [2, 16, 24, 4],
    [2, 8, 12, 4],
    [2, 4, 6, 4],
    [2, 2, 3, 4],
  ]);
  assert.equal(
    pyramid.namedParameters().map(([name]) => name),
    [
      ...["levels.0.deconvs.0.proj.weight", "levels.0.deconvs.0.proj.bias", "levels.0.deconvs.1.proj.weight"],
      ...["levels.0.deconvs.1.proj.bias", "levels.0.norms.0.weight", "levels.0.norms.0.bias"],
      ...["levels.1.deconvs.0.proj.weight", "levels.1.deconvs.0.proj.bias"],
    ],
  );
});

test("without weights maps grow bilinearly and shrink by the largest", async () => {
  await init();
  const pyramid = new PatchPyramid(1, { scales: [2, 1, 0.5], growth: "bilinear", norm: null, rng });
  const x = fromArray([0, 4, 8, 12], [1, 2, 2, 1]);
  assert.is(pyramid.parameterCount, 0);
  const [large, same, small] = step(() => pyramid.forward([x, x, x]).map((map) => [...map.toArray()]));
  close(large, [0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12], 1e-6);
  assert.equal(same, [0, 4, 8, 12]);
  assert.equal(small, [12]);
});

test("a map smaller than the window shrinks to one cell", async () => {
  await init();
  const pyramid = new PatchPyramid(1, { scales: [0.25], norm: null, rng });
  assert.equal([...step(() => pyramid.forward([fromArray([1, 2, 3], [1, 1, 3, 1])])[0].toArray())], [3]);
});

test("backward of the grown maps is their derivative", async () => {
  await initDouble();
  const x = leaf([1, 2, 3, 4], 1);
  for (const norm of [groups, null]) {
    const pyramid = withNumbers(new PatchPyramid(4, { scales: [4, 0.5], norm, rng }));
    for (const level of [0, 1]) {
      const used = level === 0 ? pyramid.parameters() : [];
      gradcheck(() => pyramid.forward([x, x])[level], [x, ...used]);
    }
  }
});

test("other scales and other numbers of maps are refused", async () => {
  await init();
  refuses(
    () => new PatchPyramid(4, { scales: [3], norm: null, rng }),
    ConfigError,
    "patch pyramid: a scale is 3, expected powers of two.",
  );
  const pyramid = new PatchPyramid(4, { scales: [1], norm: null, rng });
  refuses(() => pyramid.forward([]), ShapeError, "patch pyramid: 0 maps for 1 scales.");
});
