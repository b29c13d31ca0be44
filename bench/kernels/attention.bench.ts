import type { BenchCase } from "../../src/cli/bench/case.js";
import { product } from "../../src/ops/product.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty, fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";

interface AttentionShape {
  /** Where it occurs. */
  readonly at: string;
  readonly batch: number;
  readonly heads: number;
  readonly tokens: number;
  readonly dim: number;
}

const shapes: readonly AttentionShape[] = [
  { at: "ViT-S", batch: 8, heads: 6, tokens: 197, dim: 64 },
  { at: "ViT-S local crop", batch: 16, heads: 6, tokens: 37, dim: 64 },
  { at: "ViT of 192, 96 pixels", batch: 16, heads: 3, tokens: 145, dim: 64 },
  { at: "long", batch: 1, heads: 4, tokens: 1100, dim: 64 },
  { at: "cifar-tiny", batch: 64, heads: 6, tokens: 65, dim: 16 },
  { at: "Swin window", batch: 64, heads: 6, tokens: 49, dim: 16 },
  { at: "cifar-tiny local crop", batch: 256, heads: 6, tokens: 17, dim: 16 },
  { at: "digits", batch: 32, heads: 4, tokens: 17, dim: 16 },
  { at: "digits local crop", batch: 96, heads: 4, tokens: 5, dim: 16 },
];

/** Multiplications and additions of one product of [T, d] and [T, T] over all heads. */
const oneProduct = ({ batch, heads, tokens, dim }: AttentionShape) => 2 * batch * heads * tokens * tokens * dim;

/**
 * The fused kernels beside the same mathematics from separate products and softmax, which keep all scores. Two products
 * count forward and four backward for either; the fifth, with which the fused gradient computes the scores again, is its
 * own expense.
 */
export const cases: readonly BenchCase[] = shapes.flatMap((shape) => {
  const size = `${shape.batch * shape.heads}x${shape.tokens}x${shape.dim} ${shape.at}`;
  const timed = (name: string, products: number, prepare: (operands: Operands) => () => void): BenchCase => ({
    name: `attention ${name} ${size}`,
    unit: "GFLOP/s",
    work: products * oneProduct(shape),
    prepare: () => prepare(operandsOf(shape)),
  });
  return [
    timed("forward", 2, fused),
    timed("forward unfused", 2, separate),
    timed("gradient", 4, fusedGradient),
    timed("gradient unfused", 4, separateGradient),
  ];
});

interface Operands extends AttentionShape {
  readonly items: number;
  readonly scale: number;
  readonly qkv: number;
  readonly out: number;
  readonly lse: number;
  readonly dout: number;
  readonly dqkv: number;
}

function operandsOf(shape: AttentionShape): Operands {
  const { batch, heads, tokens, dim } = shape;
  const rng = new Rng(0);
  const random = (count: number) =>
    fromArray(
      Float32Array.from({ length: count }, () => rng.normal()),
      [count],
    ).ptr;
  const items = batch * heads;
  const numbers = items * tokens * dim;
  return {
    ...shape,
    items,
    scale: 1 / Math.sqrt(dim),
    qkv: random(3 * numbers),
    out: empty([numbers]).ptr,
    lse: empty([items * tokens]).ptr,
    dout: random(numbers),
    dqkv: empty([3 * numbers]).ptr,
  };
}

function fused({ items, heads, tokens, dim, scale, qkv, out, lse }: Operands): () => void {
  return () => kernels.attention_f32(items, heads, tokens, dim, tokens, scale, qkv, 0, 0, 0, 0, 0, 0, out, lse);
}

function fusedGradient(operands: Operands): () => void {
  const { items, heads, tokens, dim, scale, qkv, out, lse, dout, dqkv } = operands;
  fused(operands)();
  return () =>
    kernels.attention_grad_f32(items, heads, tokens, dim, tokens, scale, qkv, 0, 0, 0, 0, 0, 0, out, lse, dout, dqkv);
}

/** Byte addresses of what belongs to one head of one image. */
function addresses({ heads, tokens, dim, qkv, out, dout, dqkv }: Operands, item: number) {
  const width = 4 * heads * dim;
  const row = Math.floor(item / heads) * tokens * width;
  const column = 4 * (item % heads) * dim;
  const third = (base: number, which: number) => base + 3 * row + which * width + column;
  return {
    q: third(qkv, 0),
    k: third(qkv, 1),
    v: third(qkv, 2),
    dq: third(dqkv, 0),
    dk: third(dqkv, 1),
    dv: third(dqkv, 2),
    o: out + row + column,
    d: dout + row + column,
  };
}

function separate(operands: Operands): () => void {
  const { items, tokens } = operands;
  const scores = empty([items, tokens, tokens]).ptr;
  return () => attendSeparately(operands, scores);
}

function attendSeparately(operands: Operands, scores: number): void {
  const { items, heads, tokens, dim, scale } = operands;
  const width = heads * dim;
  const square = { m: tokens, n: tokens, k: dim, beta: 0, ldc: tokens };
  for (let i = 0; i < items; i++) {
    const { q, k } = addresses(operands, i);
    const c = scores + 4 * i * tokens * tokens;
    product({ ...square, alpha: scale, a: q, aRow: 3 * width, aCol: 1, b: k, bRow: 1, bCol: 3 * width, c });
  }
  kernels.softmax_f32(items * tokens, tokens, scores, tokens, 1, 0, scores, tokens);
  const average = {
    m: tokens,
    n: dim,
    k: tokens,
    aRow: tokens,
    aCol: 1,
    bRow: 3 * width,
    bCol: 1,
    beta: 0,
    ldc: width,
  };
  for (let i = 0; i < items; i++) {
    const { v, o } = addresses(operands, i);
    product({ ...average, a: scores + 4 * i * tokens * tokens, b: v, c: o });
  }
}

function separateGradient(operands: Operands): () => void {
  const { items, heads, tokens, dim, scale } = operands;
  const ld = 3 * heads * dim;
  const p = empty([items, tokens, tokens]).ptr;
  const ds = empty([items, tokens, tokens]).ptr;
  attendSeparately(operands, p);
  const square = { m: tokens, n: tokens, k: dim, beta: 0, ldc: tokens };
  const narrow = { m: tokens, n: dim, k: tokens, bCol: 1, beta: 0, ldc: ld };
  const rows = { aRow: tokens, aCol: 1 };
  const columns = { aRow: 1, aCol: tokens };
  return () => {
    for (let i = 0; i < items; i++) {
      const { v, d } = addresses(operands, i);
      product({
        ...square,
        a: d,
        aRow: heads * dim,
        aCol: 1,
        b: v,
        bRow: 1,
        bCol: ld,
        c: ds + 4 * i * tokens * tokens,
      });
    }
    kernels.softmax_grad_f32(items * tokens, tokens, 1, p, tokens, ds, tokens, 0, ds, tokens);
    for (let i = 0; i < items; i++) {
      const { q, k, d, dq, dk, dv } = addresses(operands, i);
      const [pi, dsi] = [p + 4 * i * tokens * tokens, ds + 4 * i * tokens * tokens];
      product({ ...narrow, alpha: scale, a: dsi, ...rows, b: k, bRow: ld, c: dq });
      product({ ...narrow, alpha: scale, a: dsi, ...columns, b: q, bRow: ld, c: dk });
      product({ ...narrow, a: pi, ...columns, b: d, bRow: heads * dim, c: dv });
    }
  };
}
