import type { Heap } from "../../src/runtime/heap.js";

/** What the kernels are told of their operands, by the names of their parameters; addresses in bytes. */
interface Call {
  f32: Heap["f32"];
  heads: number;
  tokens: number;
  dim: number;
  queries: number;
  scale: number;
  qkv: number;
  bias: number;
  biasStrides: readonly [number, number, number];
  mask: number;
  windows: number;
}

/** What the parameters of the three kernels have in common. */
type Shared = [
  heads: number,
  tokens: number,
  dim: number,
  queries: number,
  scale: number,
  qkv: number,
  bias: number,
  biasHead: number,
  biasRow: number,
  biasColumn: number,
  mask: number,
  windows: number,
];

/** How many those are. */
const SHARED = 12;

function callOf(f32: Heap["f32"], shared: Shared): Call {
  const [heads, tokens, dim, queries, scale, qkv, bias, biasHead, biasRow, biasColumn, mask, windows] = shared;
  const biasStrides = [biasHead, biasRow, biasColumn] as const;
  return { f32, heads, tokens, dim, queries, scale, qkv, bias, biasStrides, mask, windows };
}

/** Where the tokens of one item = image · heads + head lie, in elements. */
function locate({ heads, tokens, dim, queries, qkv }: Call, item: number) {
  const image = Math.floor(item / heads);
  const head = item % heads;
  const width = heads * dim;
  const inQkv = image * tokens * 3 * width + head * dim;
  const q = (qkv >> 2) + inQkv;
  return { image, head, width, ld: 3 * width, inQkv, q, inOut: image * queries * width + head * dim };
}

/** Softmax of one query's scores over all keys, with the logarithm of their sum. */
function attend(call: Call, item: number, i: number) {
  const { f32, tokens, dim, scale, bias, biasStrides, mask, windows } = call;
  const { image, head, width, ld, q } = locate(call, item);
  const scores = Array.from({ length: tokens }, (_, j) => {
    let sum = 0;
    for (let c = 0; c < dim; c++) sum += f32[q + i * ld + c] * f32[q + width + j * ld + c];
    sum *= scale;
    if (bias) sum += f32[(bias >> 2) + head * biasStrides[0] + i * biasStrides[1] + j * biasStrides[2]];
    if (mask) sum += f32[(mask >> 2) + ((image % windows) * tokens + i) * tokens + j];
    return sum;
  });
  const top = Math.max(...scores);
  const lse = top + Math.log(scores.reduce((sum, s) => sum + Math.exp(s - top), 0));
  return { lse, probabilities: scores.map((s) => Math.exp(s - lse)) };
}

export function attention_f32(
  { f32 }: Heap,
  items: number,
  ...args: [...shared: Shared, out: number, lse: number]
): void {
  const call = callOf(f32, args.slice(0, SHARED) as Shared);
  const { tokens, dim, queries } = call;
  const [out, lse] = args.slice(SHARED);
  for (let item = 0; item < items; item++) {
    const { width, ld, q, inOut } = locate(call, item);
    const v = q + 2 * width;
    for (let i = 0; i < queries; i++) {
      const row = attend(call, item, i);
      f32[(lse >> 2) + item * queries + i] = row.lse;
      for (let c = 0; c < dim; c++) {
        let sum = 0;
        for (let j = 0; j < tokens; j++) sum += row.probabilities[j] * f32[v + j * ld + c];
        f32[(out >> 2) + inOut + i * width + c] = sum;
      }
    }
  }
}

/** Adds the gradients of one item to dqkv, and hands each dS[i, j] to `score`. */
function differentiate(
  call: Call,
  item: number,
  { dout, dqkv }: { dout: number; dqkv: number },
  score: (i: number, j: number, ds: number) => void,
): void {
  const { f32, tokens, dim, queries, scale } = call;
  const { width, ld, q, inQkv, inOut } = locate(call, item);
  const [k, v] = [q + width, q + 2 * width];
  const dq = (dqkv >> 2) + inQkv;
  const [dk, dv] = [dq + width, dq + 2 * width];
  for (let i = 0; i < queries; i++) {
    const { probabilities } = attend(call, item, i);
    const dy = (dout >> 2) + inOut + i * width;
    const dp = probabilities.map((_, j) => {
      let sum = 0;
      for (let c = 0; c < dim; c++) sum += f32[dy + c] * f32[v + j * ld + c];
      return sum;
    });
    const mean = dp.reduce((sum, value, j) => sum + probabilities[j] * value, 0);
    for (let j = 0; j < tokens; j++) {
      const ds = probabilities[j] * (dp[j] - mean);
      score(i, j, ds);
      for (let c = 0; c < dim; c++) {
        f32[dq + i * ld + c] += scale * ds * f32[k + j * ld + c];
        f32[dk + j * ld + c] += scale * ds * f32[q + i * ld + c];
        f32[dv + j * ld + c] += probabilities[j] * f32[dy + c];
      }
    }
  }
}

export function attention_grad_f32(
  { f32 }: Heap,
  items: number,
  ...args: [...shared: Shared, out: number, lse: number, dout: number, dqkv: number]
): void {
  const call = callOf(f32, args.slice(0, SHARED) as Shared);
  const { tokens, dim } = call;
  const [, , dout, dqkv] = args.slice(SHARED);
  f32.fill(0, dqkv >> 2, (dqkv >> 2) + items * tokens * 3 * dim);
  for (let item = 0; item < items; item++) differentiate(call, item, { dout, dqkv }, () => {});
}

export function attention_bias_grad_f32(
  { f32 }: Heap,
  parts: number,
  items: number,
  share: number,
  ...args: [...shared: Shared, out: number, lse: number, dout: number, dqkv: number, dbias: number]
): void {
  const call = callOf(f32, args.slice(0, SHARED) as Shared);
  const { heads, tokens, dim } = call;
  const [, , dout, dqkv, dbias] = args.slice(SHARED);
  f32.fill(0, dqkv >> 2, (dqkv >> 2) + items * tokens * 3 * dim);
  f32.fill(0, dbias >> 2, (dbias >> 2) + parts * tokens * tokens);
  for (let item = 0; item < items; item++) {
    const part = Math.floor(Math.floor(item / heads) / share) * heads + (item % heads);
    differentiate(call, item, { dout, dqkv }, (i, j, ds) => {
      f32[(dbias >> 2) + (part * tokens + i) * tokens + j] += ds;
    });
  }
}
