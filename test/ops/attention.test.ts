import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, MemoryError, ShapeError } from "../../src/errors.js";
import { attention } from "../../src/ops/attention.js";
import { concatRows } from "../../src/ops/concat.js";
import { init } from "../../src/runtime/context.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const close = (actual: ArrayLike<number>, expected: readonly number[]) => {
  assert.is(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(actual[i] - value) < 1e-6, `entry ${i}: ${actual[i]}, expected ${value}`);
  }
};

test("each query averages the values by the softmax of its scores", async () => {
  await init();
  // Two tokens of one number each: scores of token 0 are 0 and 0, those of token 1 are 0 and ln 3.
  const ln3 = Math.log(3);
  const tokens = [
    [0, 0, 4], // q, k, v
    [1, ln3, 8],
  ];
  close(step(() => attention(fromArray(tokens.flat(), [1, 2, 3, 1, 1]))).toArray(), [6, 7]);
  // With scale 2 the odds of token 1 are 1 : 9.
  close(step(() => attention(fromArray(tokens.flat(), [1, 2, 3, 1, 1]), { scale: 2 })).toArray(), [6, 7.6]);
});

test("heads and images do not mix, and heads come out side by side", async () => {
  await init();
  const [batch, tokens, heads, dim] = [2, 3, 2, 4];
  const values = Float32Array.from({ length: batch * tokens * 3 * heads * dim }, (_, i) => Math.sin(i));
  const y = step(() => attention(fromArray(values, [batch, tokens, 3, heads, dim])));
  assert.equal(y.shape, [batch, tokens, heads * dim]);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const alone = values.filter(
        (_, i) => Math.floor(i / (tokens * 3 * heads * dim)) === b && Math.floor(i / dim) % heads === h,
      );
      const expected = step(() => attention(fromArray(alone, [1, tokens, 3, 1, dim])));
      close(
        y
          .select(0, b)
          .narrow(1, h * dim, dim)
          .toArray(),
        [...expected.toArray()],
      );
    }
  }
});

test("the scale is 1/√d unless given", async () => {
  await init();
  const values = Float32Array.from({ length: 5 * 3 * 16 }, (_, i) => Math.cos(3 * i));
  const run = (options?: { scale: number }) => [
    ...step(() => attention(fromArray(values, [1, 5, 3, 1, 16]), options)).toArray(),
  ];
  assert.equal(run(), run({ scale: 0.25 }));
  assert.not.equal(run(), run({ scale: 0.5 }));
});

test("a single token returns its value and passes no gradient to query and key", async () => {
  await init();
  const qkv = fromArray([1, 2, 3, 4, 5, 6], [1, 1, 3, 1, 2]);
  qkv.storage.tracked = true;
  close(step(() => attention(qkv)).toArray(), [5, 6]);
  step(() => attention(qkv).backward([7, 8]));
  close(qkv.grad() as Float32Array, [0, 0, 0, 0, 7, 8]);
});

test("the backward pass is the derivative", async () => {
  await initDouble();
  const qkv = leaf([2, 5, 3, 2, 4], 1);
  gradcheck(() => attention(qkv), [qkv], { samples: 240 });
  gradcheck(() => attention(qkv, { scale: 1.7 }), [qkv]);
  const single = leaf([3, 1, 3, 1, 2], 2);
  gradcheck(() => attention(single), [single]);
});

test("gradients of two uses of one tensor add up", async () => {
  await initDouble();
  const qkv = leaf([1, 3, 3, 1, 4], 3);
  const both = () => {
    const rows = (scale: number) => attention(qkv, { scale }).reshape([3, 4]);
    return concatRows([rows(0.5), rows(2)]);
  };
  gradcheck(both, [qkv]);
});

test("a view that begins inside its storage is read and differentiated in place", async () => {
  await initDouble();
  const batch = leaf([3, 2, 3, 2, 4], 4);
  gradcheck(() => attention(batch.narrow(0, 1, 2)), [batch]);
});

test("an empty batch gives an empty result", async () => {
  await init();
  assert.equal(step(() => attention(empty([0, 5, 3, 2, 4]))).shape, [0, 5, 8]);
});

test("inputs that do not fit are refused with a message", async () => {
  await init();
  refuses(() => attention(empty([2, 5, 24])), ShapeError, "attention: qkv is [2, 5, 24], expected [B, T, 3, H, d].");
  refuses(
    () => attention(empty([2, 5, 2, 3, 4])),
    ShapeError,
    "attention: qkv is [2, 5, 2, 3, 4], expected [B, T, 3, H, d].",
  );
  refuses(
    () => attention(empty([2, 5, 3, 3, 4], "i32")),
    DTypeError,
    "attention: qkv is [2, 5, 3, 3, 4] i32, expected f32.",
  );
  refuses(
    () => attention(empty([2, 5, 3, 4, 4]).narrow(3, 0, 2)),
    ShapeError,
    "attention: qkv [2, 5, 3, 2, 4] is a strided view. Pass contiguous(x).",
  );
  refuses(
    () => attention(empty([1, 4000, 3, 1, 64])),
    MemoryError,
    "attention: 4000 tokens of head dimension 64 exceed the 4 MiB of working memory.",
  );
});
