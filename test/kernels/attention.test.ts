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
  /** Default: all tokens. */
  queries?: number;
  /** Strides of the bias in multiples of a dense one whose axes are head, query, key, or reversed. Default: no bias. */
  bias?: "dense" | "reversed";
  /** Entries of the mask. Default: no mask. */
  windows?: number;
}

const describe = ({ images, heads, tokens, dim, queries = tokens, bias, windows }: Size) =>
  [
    `${images} × ${heads} heads, ${tokens} tokens, dimension ${dim}`,
    queries < tokens ? `, ${queries} asking` : "",
    bias ? `, ${bias} bias` : "",
    windows ? `, ${windows} masks` : "",
  ].join("");

const sizes: Size[] = [
  { images: 2, heads: 2, tokens: 1, dim: 16 },
  { images: 2, heads: 3, tokens: 5, dim: 16 },
  { images: 1, heads: 2, tokens: 17, dim: 16 },
  { images: 1, heads: 1, tokens: 37, dim: 64 },
  { images: 1, heads: 2, tokens: 49, dim: 32 },
  { images: 1, heads: 1, tokens: 65, dim: 8 },
  { images: 1, heads: 6, tokens: 65, dim: 16 },
  { images: 1, heads: 1, tokens: 145, dim: 32 },
  { images: 1, heads: 2, tokens: 197, dim: 64 },
  { images: 1, heads: 1, tokens: 113, dim: 128 },
];

/** Head dimensions with a part-filled vector, and token counts on both sides of each multiple of 4, on both paths. */
const oddSizes: Size[] = [
  ...[1, 2, 3, 4, 6, 12, 20, 31].map((dim, i) => ({ images: 2, heads: 2, tokens: 2 + i, dim })),
  ...[38, 39, 40, 41, 42, 43].map((tokens, i) => ({ images: 1, heads: 3, tokens, dim: 7 + i })),
  ...[56, 57, 58, 59, 60].map((tokens, i) => ({ images: 1, heads: 1, tokens, dim: 73 + i })),
];

const fewQueries: Size[] = [
  ...[1, 2, 3, 4, 5].map((queries) => ({ images: 2, heads: 3, tokens: 6, dim: 5, queries })),
  { images: 1, heads: 5, tokens: 65, dim: 16, queries: 1 },
  { images: 1, heads: 3, tokens: 65, dim: 16, queries: 46 },
  { images: 1, heads: 2, tokens: 82, dim: 64, queries: 1 },
  { images: 1, heads: 1, tokens: 150, dim: 30, queries: 61 },
];

const withTerms: Size[] = [
  { images: 4, heads: 3, tokens: 49, dim: 16, bias: "dense" },
  { images: 4, heads: 3, tokens: 49, dim: 16, bias: "dense", windows: 2 },
  { images: 6, heads: 2, tokens: 9, dim: 16, bias: "reversed", windows: 3 },
  { images: 5, heads: 1, tokens: 4, dim: 3, windows: 5 },
  { images: 3, heads: 2, tokens: 7, dim: 5, bias: "reversed", queries: 2 },
  { images: 1, heads: 2, tokens: 70, dim: 64, bias: "dense", windows: 1 },
];

/** Terms of the scores: a bias in [−1, 1), and masks of which every third number hides a key, though no query's own. */
function termsOf({ heads, tokens, bias, windows = 0 }: Size) {
  const next = seeded(11);
  const square = tokens * tokens;
  const strides = bias === "reversed" ? [1, heads, heads * tokens] : bias ? [square, tokens, 1] : [0, 0, 0];
  const hides = (i: number) => i % 3 === 1 && Math.floor(i / tokens) % tokens !== i % tokens;
  return {
    strides,
    bias: Float32Array.from({ length: bias ? heads * square : 0 }, () => 2 * next() - 1),
    mask: Float32Array.from({ length: windows * square }, (_, i) => (hides(i) ? (i % 2 ? -100 : -Infinity) : 0)),
    windows,
  };
}

function forwardCase(size: Size, spread: number) {
  const { images, heads, tokens, dim, queries = tokens } = size;
  const { strides, bias, mask, windows } = termsOf(size);
  const items = images * heads;
  return (m: TestMemory) => {
    const qkv = m.input(3 * items * tokens * dim, { low: -spread, high: spread });
    const terms = [bias.length ? m.input(bias) : 0, ...strides, mask.length ? m.input(mask) : 0, windows];
    const outputs = [m.output(items * queries * dim), m.output(items * queries)];
    return [items, heads, tokens, dim, queries, dim ** -0.5, qkv, ...terms, ...outputs];
  };
}

/**
 * The gradient reads what the forward pass wrote; here the reference writes it, in double precision.
 *
 * @param share  images in a part, to differentiate the bias too
 */
function gradientCase(size: Size, spread: number, share?: number) {
  const { images, heads, tokens, dim, queries = tokens } = size;
  const { strides, bias, mask, windows } = termsOf(size);
  const items = images * heads;
  const numbers = 3 * items * tokens * dim;
  const results = items * queries * dim;
  const scale = dim ** -0.5;
  const next = seeded(3);
  const f32 = new Float64Array(numbers + results + items * queries + bias.length + mask.length);
  for (let i = 0; i < numbers; i++) f32[i] = Math.fround(spread * (2 * next() - 1));
  const [out, lse] = [numbers, numbers + results];
  const terms = lse + items * queries;
  f32.set([...bias, ...mask], terms);
  const heap = { f32, i32: f32, u8: new Uint8Array(0), sizeBytes: 0, grow() {}, copy() {} };
  const [s0, s1, s2] = strides;
  const at = [bias.length && 4 * terms, s0, s1, s2, mask.length && 4 * (terms + bias.length), windows] as const;
  reference.attention_f32(heap, items, heads, tokens, dim, queries, scale, 0, ...at, 4 * out, 4 * lse);
  return (m: TestMemory) => {
    const qkv = m.input(f32.subarray(0, numbers));
    const added = [bias.length ? m.input(bias) : 0, ...strides, mask.length ? m.input(mask) : 0, windows];
    const forward = [m.input(f32.subarray(out, lse)), m.input(f32.subarray(lse, terms))];
    const gradients = [m.input(results), m.output(numbers)];
    const rest = [heads, tokens, dim, queries, scale, qkv, ...added, ...forward, ...gradients];
    if (share === undefined) return [items, ...rest];
    const parts = heads * Math.ceil(images / share);
    return [parts, items, share, ...rest, m.output(parts * tokens * tokens)];
  };
}

for (const size of [...sizes, ...oddSizes, ...fewQueries, ...withTerms]) {
  test(`attention of ${describe(size)} equals its reference`, () => {
    checkKernel("attention_f32", reference.attention_f32, { args: forwardCase(size, 2), atol: 2e-6 });
  });

  test(`the gradient of attention of ${describe(size)} equals its reference`, () => {
    checkKernel("attention_grad_f32", reference.attention_grad_f32, { args: gradientCase(size, 2), atol: 4e-6 });
  });
}

for (const size of withTerms) {
  for (const share of [1, 3, 4]) {
    test(`the gradient of attention and its bias of ${describe(size)} equals its reference, ${share} to a part`, () => {
      const args = gradientCase(size, 2, share);
      checkKernel("attention_bias_grad_f32", reference.attention_bias_grad_f32, { args, atol: 4e-6 });
    });
  }
}

test("1,100 tokens and the widest head that fits stay inside 4 MiB of working memory", () => {
  const long = { images: 1, heads: 1, tokens: 1100, dim: 64 };
  checkKernel("attention_f32", reference.attention_f32, { args: forwardCase(long, 1) });
  checkKernel("attention_grad_f32", reference.attention_grad_f32, { args: gradientCase(long, 1) });
  const wide = { images: 1, heads: 1, tokens: 57, dim: 5285 }; // the widest that src/ops/attention.ts admits and pads most
  checkKernel("attention_f32", reference.attention_f32, { args: forwardCase(wide, 0.1) });
  checkKernel("attention_grad_f32", reference.attention_grad_f32, { args: gradientCase(wide, 0.1) });
});

test("the longest and the widest heads that go side by side stay inside 4 MiB of working memory", () => {
  for (const [tokens, dim] of [
    [1024, 2],
    [1, 2048],
  ]) {
    const size = { images: 1, heads: 1, tokens, dim };
    checkKernel("attention_f32", reference.attention_f32, { args: forwardCase(size, 0.1) });
    checkKernel("attention_grad_f32", reference.attention_grad_f32, { args: gradientCase(size, 0.1) });
  }
});

/** A short and a long sequence: four items at a time, and one. */
const paths = [
  [6, 4],
  [60, 80],
];
const noTerms = [0, 0, 0, 0, 0, 0];
const [QKV, OUT, LSE, DOUT, DQKV, SCRATCH] = [1, 2, 3, 4, 5, 6].map((mib) => mib << 20);

test("scores of any size give probabilities, not infinities", () => {
  const { heap, raw } = kernelsOnHeap();
  for (const [tokens, dim] of paths) {
    for (const size of [100, -100, 30000, -30000]) {
      for (let t = 0; t < tokens; t++) {
        const at = (QKV >> 2) + t * 3 * dim;
        heap.f32.fill(Math.abs(size), at, at + dim); // q
        heap.f32.fill(size, at + dim, at + 2 * dim); // k: every score is ±dim·size²
        heap.f32.fill(t, at + 2 * dim, at + 3 * dim); // v
      }
      raw.attention_f32(1, 1, tokens, dim, tokens, 1, QKV, ...noTerms, OUT, LSE, SCRATCH, 0, 1);
      const mean = (tokens - 1) / 2;
      for (let i = 0; i < tokens * dim; i++) assert.ok(Math.abs(heap.f32[(OUT >> 2) + i] - mean) < 2e-6 * mean);
      const expected = dim * size * Math.abs(size) + Math.log(tokens);
      const actual = heap.f32[LSE >> 2];
      assert.ok(Math.abs(actual - expected) < 1e-6 * Math.abs(expected) + 1e-6, `lse ${actual}, expected ${expected}`);
    }
  }
});

test("a score that is not a number spoils its own query only", () => {
  const { heap, raw } = kernelsOnHeap();
  for (const [tokens, dim] of paths) {
    for (let i = 0; i < tokens * 3 * dim; i++) heap.f32[(QKV >> 2) + i] = Math.cos(i);
    heap.f32[(QKV >> 2) + 5 * 3 * dim] = Number.NaN; // q of token 5
    raw.attention_f32(1, 1, tokens, dim, tokens, 0.3, QKV, ...noTerms, OUT, LSE, SCRATCH, 0, 1);
    for (let t = 0; t < tokens; t++) {
      const row = heap.f32.subarray((OUT >> 2) + t * dim, (OUT >> 2) + (t + 1) * dim);
      assert.ok(row.every(t === 5 ? Number.isNaN : Number.isFinite), `token ${t}`);
    }
  }
});

test("the rows of the queries that ask have the same bits however many ask, and so have their gradients", () => {
  const { heap, raw } = kernelsOnHeap();
  for (const [tokens, dim] of [...paths, [65, 16], [150, 40]]) {
    const heads = 2;
    const width = heads * dim;
    const next = seeded(5);
    for (let i = 0; i < tokens * 3 * width; i++) heap.f32[(QKV >> 2) + i] = 4 * next() - 2;
    const run = (queries: number, asking: number) => {
      // Only the first of those that ask meet a gradient.
      heap.f32.fill(0, DOUT >> 2, (DOUT >> 2) + tokens * width);
      for (let i = 0; i < asking * width; i++) heap.f32[(DOUT >> 2) + i] = Math.cos(7 * i);
      const call = [heads, tokens, dim, queries, 0.3, QKV, ...noTerms, OUT, LSE];
      raw.attention_f32(heads, ...call, SCRATCH, 0, heads);
      raw.attention_grad_f32(heads, ...call, DOUT, DQKV, SCRATCH, 0, heads);
      const out = heap.f32.slice(OUT >> 2, (OUT >> 2) + asking * width);
      const dqkv = heap.f32.slice(DQKV >> 2, (DQKV >> 2) + 3 * tokens * width);
      return [out, dqkv.map((x) => x + 0)].map((x) => Buffer.from(x.buffer)); // −0 + 0 is 0
    };
    for (const asking of [1, 2, 5]) assert.equal(run(asking, asking), run(tokens, asking), `${asking} of ${tokens}`);
  }
});

function kernelsOnHeap() {
  const heap = new WasmHeap({ initialBytes: 10 << 20 });
  return { heap, raw: kernelsOn(heap) };
}
