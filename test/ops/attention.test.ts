import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { DTypeError, MemoryError, ShapeError } from "../../src/errors.js";
import { type AttentionOptions, attention } from "../../src/ops/attention.js";
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

test("a bias and a mask are added to the scores", async () => {
  await init();
  const ln3 = Math.log(3);
  const tokens = [0, 0, 4, 1, 0, 8]; // q, k, v of two tokens: every score is 0
  const run = (options: AttentionOptions) => [...attention(fromArray(tokens, [1, 2, 3, 1, 1]), options).toArray()];
  const bias = fromArray([0, ln3, ln3, 0], [1, 2, 2]);
  const mask = fromArray([0, -Infinity, 0, -100], [1, 2, 2]);
  step(() => close(run({ bias }), [7, 5]));
  step(() => close(run({ mask }), [4, 4]));
  step(() => close(run({ bias, mask: fromArray([0, -ln3, 0, 0], [1, 2, 2]) }), [6, 5]));
});

test("image b takes entry b mod n of the mask, and each head its own bias", async () => {
  await init();
  const values = Float32Array.from({ length: 4 * 3 * 3 * 2 * 4 }, (_, i) => Math.sin(i));
  const [biases, masks] = [Math.cos, Math.tan].map((f) => Float32Array.from({ length: 18 }, (_, i) => f(i)));
  const y = step(() =>
    attention(fromArray(values, [4, 3, 3, 2, 4]), {
      bias: fromArray(biases, [2, 3, 3]),
      mask: fromArray(masks, [2, 3, 3]),
    }),
  );
  for (let b = 0; b < 4; b++) {
    for (let h = 0; h < 2; h++) {
      const alone = values.filter((_, i) => Math.floor(i / 72) === b && Math.floor(i / 4) % 2 === h);
      const terms = biases.subarray(9 * h, 9 * h + 9).map((x, i) => x + masks[9 * (b % 2) + i]);
      const expected = step(() => attention(fromArray(alone, [1, 3, 3, 1, 4]), { bias: fromArray(terms, [1, 3, 3]) }));
      const head = y.select(0, b).narrow(1, 4 * h, 4);
      close(head.toArray(), [...expected.toArray()]);
    }
  }
});

test("fewer queries give the first rows", async () => {
  await init();
  const values = Float32Array.from({ length: 2 * 5 * 3 * 2 * 4 }, (_, i) => Math.sin(i));
  const run = (queries?: number) => step(() => attention(fromArray(values, [2, 5, 3, 2, 4]), { queries }));
  const few = run(2);
  assert.equal(few.shape, [2, 2, 8]);
  assert.equal([...few.toArray()], [...run().narrow(1, 0, 2).toArray()]);
});

test("the backward pass is the derivative, of a bias too", async () => {
  await initDouble();
  const qkv = leaf([6, 3, 3, 2, 4], 1);
  const mask = fromArray(
    Float32Array.from({ length: 27 }, (_, i) => (i % 4 === 1 ? -2 : 0)),
    [3, 3, 3],
  );
  const bias = leaf([2, 3, 3], 2);
  gradcheck(() => attention(qkv, { bias, mask }), [qkv, bias]);
  gradcheck(() => attention(qkv, { bias, queries: 2 }), [qkv, bias]);
  gradcheck(() => attention(qkv, { queries: 1 }), [qkv]);
  const table = leaf([9, 3], 3); // a column for each of three heads, of which two are taken
  const strided = table.reshape([3, 3, 3]).permute([2, 0, 1]).narrow(0, 0, 2);
  gradcheck(() => attention(qkv, { bias: strided }), [qkv, table]);
  const fixed = fromArray(new Float32Array(6 * 3 * 3 * 2 * 4), [6, 3, 3, 2, 4]);
  gradcheck(() => attention(fixed, { bias: table.reshape([3, 3, 3]).narrow(0, 0, 2) }), [table]);
});

test("gradients of two uses of one bias add up", async () => {
  await initDouble();
  const qkv = leaf([70, 2, 3, 1, 2], 1); // more images than parts
  const bias = leaf([1, 2, 2], 2);
  gradcheck(() => concatRows([1, 2].map((scale) => attention(qkv, { bias, scale }).reshape([140, 2]))), [bias]);
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
  const qkv = empty([4, 5, 3, 2, 4]);
  refuses(
    () => attention(qkv, { bias: empty([3, 5, 5]) }),
    ShapeError,
    "attention: bias is [3, 5, 5], expected [2, 5, 5].",
  );
  refuses(
    () => attention(qkv, { mask: empty([2, 5, 4]) }),
    ShapeError,
    "attention: mask is [2, 5, 4], expected [2, 5, 5].",
  );
  refuses(
    () => attention(qkv, { mask: empty([3, 5, 5]) }),
    ShapeError,
    "attention: mask has 3 entries for a batch of 4; expected a number that divides the batch.",
  );
  refuses(
    () => attention(qkv, { mask: empty([2, 5, 6]).narrow(2, 0, 5) }),
    ShapeError,
    "attention: mask [2, 5, 5] is a strided view. Pass contiguous(x).",
  );
  for (const queries of [0, 6, 1.5]) {
    refuses(
      () => attention(qkv, { queries }),
      ShapeError,
      `attention: queries is ${queries}, expected a whole number from 1 to 5, the tokens.`,
    );
  }
  refuses(
    () => attention(empty([1, 600, 3, 1, 64]), { bias: empty([1, 600, 600]) }),
    MemoryError,
    "attention: 600 tokens of head dimension 64 with bias or mask exceed the 4 MiB of working memory.",
  );
});
