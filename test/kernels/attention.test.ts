import * as assert from "uvu/assert";
import { WasmHeap } from "../../src/runtime/memory.js";
import * as reference from "../reference/attention.js";
import { checkKernel, kernelsOn, seeded, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

interface Size {
  images: number;
  heads: number;
  tokens: number;
  dim: number;
}

const describe = ({ images, heads, tokens, dim }: Size) =>
  `${images} × ${heads} heads, ${tokens} tokens, dimension ${dim}`;

const sizes: Size[] = [
  { images: 2, heads: 2, tokens: 1, dim: 16 },
  { images: 2, heads: 3, tokens: 5, dim: 16 },
  { images: 1, heads: 2, tokens: 17, dim: 16 },
  { images: 1, heads: 1, tokens: 37, dim: 64 },
  { images: 1, heads: 2, tokens: 49, dim: 32 },
  { images: 1, heads: 1, tokens: 65, dim: 8 },
  { images: 1, heads: 1, tokens: 145, dim: 32 },
  { images: 1, heads: 2, tokens: 197, dim: 64 },
  { images: 1, heads: 1, tokens: 113, dim: 128 },
];

/** Head dimensions with a part-filled vector, and token counts on both sides of each multiple of 4. */
const oddSizes: Size[] = [
  ...[1, 2, 3, 4, 6, 12, 20, 31].map((dim, i) => ({ images: 2, heads: 2, tokens: 2 + i, dim })),
  { images: 1, heads: 2, tokens: 60, dim: 4 },
  { images: 1, heads: 2, tokens: 57, dim: 13 },
];

function forwardCase({ images, heads, tokens, dim }: Size, spread: number) {
  const numbers = images * tokens * heads * dim;
  return (m: TestMemory) => {
    const qkv = m.input(3 * numbers, { low: -spread, high: spread });
    return [images * heads, heads, tokens, dim, dim ** -0.5, qkv, m.output(numbers), m.output(images * heads * tokens)];
  };
}

/** The gradient reads what the forward pass wrote; here the reference writes it, in double precision. */
function gradientCase({ images, heads, tokens, dim }: Size, spread: number) {
  const items = images * heads;
  const numbers = tokens * items * dim;
  const scale = dim ** -0.5;
  const next = seeded(3);
  const f32 = Float64Array.from({ length: 4 * numbers + items * tokens }, () => Math.fround(spread * (2 * next() - 1)));
  const heap = { f32, i32: f32, u8: new Uint8Array(0), sizeBytes: 0, grow() {}, copy() {} };
  reference.attention_f32(heap, items, heads, tokens, dim, scale, 0, 12 * numbers, 16 * numbers);
  return (m: TestMemory) => {
    const qkv = m.input(f32.subarray(0, 3 * numbers));
    const out = m.input(f32.subarray(3 * numbers, 4 * numbers));
    const lse = m.input(f32.subarray(4 * numbers));
    return [items, heads, tokens, dim, scale, qkv, out, lse, m.input(numbers), m.output(3 * numbers)];
  };
}

for (const size of [...sizes, ...oddSizes]) {
  test(`attention of ${describe(size)} equals its reference`, () => {
    checkKernel("attention_f32", reference.attention_f32, { args: forwardCase(size, 2), atol: 2e-6 });
  });

  test(`the gradient of attention of ${describe(size)} equals its reference`, () => {
    checkKernel("attention_grad_f32", reference.attention_grad_f32, { args: gradientCase(size, 2), atol: 4e-6 });
  });
}

test("1,100 tokens and the widest head that fits stay inside 4 MiB of working memory", () => {
  const long = { images: 1, heads: 1, tokens: 1100, dim: 64 };
  checkKernel("attention_f32", reference.attention_f32, { args: forwardCase(long, 1) });
  checkKernel("attention_grad_f32", reference.attention_grad_f32, { args: gradientCase(long, 1) });
  const wide = { images: 1, heads: 1, tokens: 56, dim: 2585 }; // the widest that src/ops/attention.ts admits and pads most
  checkKernel("attention_f32", reference.attention_f32, { args: forwardCase(wide, 0.1) });
  checkKernel("attention_grad_f32", reference.attention_grad_f32, { args: gradientCase(wide, 0.1) });
});

test("scores of any size give probabilities, not infinities", () => {
  const [tokens, dim] = [6, 4];
  const { heap, raw } = kernelsOnHeap();
  const [qkv, out, lse] = [1 << 20, 2 << 20, 3 << 20];
  for (const sign of [1, -1]) {
    for (let t = 0; t < tokens; t++) {
      const at = (qkv >> 2) + t * 3 * dim;
      heap.f32.fill(100, at, at + dim); // q
      heap.f32.fill(100 * sign, at + dim, at + 2 * dim); // k: every score is ±40,000
      heap.f32.fill(t, at + 2 * dim, at + 3 * dim); // v
    }
    raw.attention_f32(1, 1, tokens, dim, 1, qkv, out, lse, 5 << 20, 0, 1);
    for (let i = 0; i < tokens * dim; i++) assert.ok(Math.abs(heap.f32[(out >> 2) + i] - 2.5) < 1e-6);
    const expected = sign * 40000 + Math.log(tokens);
    assert.ok(Math.abs(heap.f32[lse >> 2] - expected) < 0.01, `lse ${heap.f32[lse >> 2]}`);
  }
});

test("a score that is not a number spoils its own query only", () => {
  const [tokens, dim] = [7, 8];
  const { heap, raw } = kernelsOnHeap();
  const [qkv, out, lse] = [1 << 20, 2 << 20, 3 << 20];
  for (let i = 0; i < tokens * 3 * dim; i++) heap.f32[(qkv >> 2) + i] = Math.cos(i);
  heap.f32[(qkv >> 2) + 5 * 3 * dim] = Number.NaN; // q of token 5
  raw.attention_f32(1, 1, tokens, dim, 0.3, qkv, out, lse, 5 << 20, 0, 1);
  const row = (t: number) => [...heap.f32.subarray((out >> 2) + t * dim, (out >> 2) + (t + 1) * dim)];
  for (let t = 0; t < tokens; t++) assert.is(row(t).every(Number.isNaN), t === 5, `token ${t}`);
  assert.ok([0, 1, 2, 3, 4, 6].every((t) => row(t).every(Number.isFinite)));
});

function kernelsOnHeap() {
  const heap = new WasmHeap({ initialBytes: 10 << 20 });
  return { heap, raw: kernelsOn(heap) };
}
