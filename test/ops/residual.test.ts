import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, ShapeError } from "../../src/errors.js";
import { scale as scaled } from "../../src/ops/elementwise.js";
import { gatherRows } from "../../src/ops/gather.js";
import { type ResidualOptions, residual } from "../../src/ops/residual.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const values = (fn: () => Tensor) => step(() => [...fn().toArray()]);

test("a branch is added with its layer scale and its factor", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4], [2, 1, 2]);
  const branch = fromArray([10, 20, 30, 40], [2, 1, 2]);
  const gamma = fromArray([0.5, 2], [2]);
  assert.equal(
    values(() => residual(x, branch)),
    [11, 22, 33, 44],
  );
  assert.equal(
    values(() => residual(x, branch, { gamma })),
    [6, 42, 18, 84],
  );
  assert.equal(
    values(() => residual(x, branch, { scale: 2 })),
    [21, 42, 63, 84],
  );
  assert.equal(
    values(() => residual(x, branch, { gamma, scale: Float32Array.of(0, 2) })),
    [1, 2, 33, 164],
  );
});

test("samples left out keep their value, computed ones are scaled by batch over subset", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4], [4, 1]);
  const branch = fromArray([10, 20], [2, 1]);
  assert.equal(
    values(() => residual(x, branch, { rows: Int32Array.of(3, 1) })),
    [1, 42, 3, 24],
  );
  assert.equal(
    values(() => residual(x, branch, { rows: Int32Array.of(3, 1), scale: 1 })),
    [1, 22, 3, 14],
  );
  const perSample = Float32Array.of(9, 0.5, 9, 3);
  assert.equal(
    values(() => residual(x, branch, { rows: Int32Array.of(3, 1), scale: perSample })),
    [1, 12, 3, 34],
  );
  assert.equal(
    values(() => residual(x, empty([0, 1]), { rows: Int32Array.of() })),
    [1, 2, 3, 4],
  );
});

test("strided inputs and empty batches are read right", async () => {
  await init();
  const x = fromArray([1, 2, 3, 4, 5, 6], [2, 3]);
  assert.equal(
    values(() => residual(x.narrow(1, 0, 2), x.narrow(1, 1, 2))),
    [3, 5, 9, 11],
  );
  assert.equal(
    values(() => residual(x, fromArray([1, 2, 3, 4, 5, 6], [3, 2]).permute([1, 0]))),
    [2, 5, 8, 6, 9, 12],
  );
  assert.equal(
    values(() => residual(empty([0, 4, 2]), empty([0, 4, 2]))),
    [],
  );
});

const variants: { name: string; options: ResidualOptions; subset: number }[] = [
  { name: "plain", options: {}, subset: 4 },
  { name: "one factor", options: { scale: 1.5 }, subset: 4 },
  { name: "drop path", options: { scale: Float32Array.of(0, 2, 2, 0) }, subset: 4 },
  { name: "a subset", options: { rows: Int32Array.of(3, 0, 1) }, subset: 3 },
  { name: "an empty subset", options: { rows: Int32Array.of() }, subset: 0 },
];

for (const { name, options, subset } of variants) {
  test(`gradients of a residual, ${name}, are its derivatives with and without a layer scale`, async () => {
    await initDouble();
    const [x, branch, gamma] = [leaf([4, 3, 5], 1), leaf([subset, 3, 5], 2), leaf([8], 3)];
    gradcheck(() => residual(x, branch, options), [x, branch]);
    gradcheck(() => residual(x, branch, { ...options, gamma: gamma.narrow(0, 0, 5) }), [x, branch, gamma]);
  });
}

test("gradients are right where x itself feeds the branch", async () => {
  await initDouble();
  const [x, gamma] = [leaf([4, 2, 3], 1), leaf([3], 2)];
  const rows = Int32Array.of(2, 1);
  gradcheck(() => {
    const inner = scaled(x, 2); // a tensor of the step, so that its gradient can change hands
    const once = residual(inner, scaled(inner, 0.5), { gamma });
    const part = gatherRows(once.reshape([4, 6]), rows).reshape([2, 2, 3]);
    return residual(once, part, { gamma, rows });
  }, [x, gamma]);
  gradcheck(() => residual(x, x, { gamma }), [x, gamma]);
  gradcheck(() => residual(x.permute([0, 2, 1]), x.permute([0, 2, 1])), [x]);
});

test("what does not fit is refused with a message", async () => {
  await init();
  const [x, half] = [empty([4, 2, 3]), empty([2, 2, 3])];
  refuses(() => residual(empty([4]), empty([4])), ShapeError, "residual: x is [4], expected [B, ..., w].");
  refuses(() => residual(x, half), ShapeError, "residual: branch is [2, 2, 3], expected [4, 2, 3].");
  refuses(() => residual(x, x, { gamma: empty([2]) }), ShapeError, "residual: gamma is [2], expected [3].");
  refuses(
    () => residual(x, x, { scale: Float32Array.of(1) }),
    ShapeError,
    "residual: scale has 1 entries for 4 samples.",
  );
  refuses(
    () => residual(x, half, { rows: Int32Array.of(0, 4) }),
    ShapeError,
    "residual: rows[1] is 4, outside the 4 samples of x.",
  );
  refuses(() => residual(x, half, { rows: Int32Array.of(1, 1) }), ShapeError, "residual: rows names sample 1 twice");
  refuses(() => residual(x, empty([4, 2, 3], "i32")), DTypeError, "residual: branch is [4, 2, 3] i32, expected f32.");
});
