import type { Heap } from "../../src/runtime/heap.js";

/** Softmax of one query's scores over all keys, with the logarithm of their sum. */
function attend(f32: Heap["f32"], tokens: number, dim: number, scale: number, query: number, keys: number, ld: number) {
  const scores = Array.from({ length: tokens }, (_, j) => {
    let sum = 0;
    for (let c = 0; c < dim; c++) sum += f32[query + c] * f32[keys + j * ld + c];
    return scale * sum;
  });
  const top = Math.max(...scores);
  const lse = top + Math.log(scores.reduce((sum, s) => sum + Math.exp(s - top), 0));
  return { lse, probabilities: scores.map((s) => Math.exp(s - lse)) };
}

/** Where the first token of one item lies, in elements: item = image · heads + head. */
function locate(item: number, heads: number, tokens: number, dim: number) {
  const image = Math.floor(item / heads);
  const head = item % heads;
  const width = heads * dim;
  return {
    width,
    ld: 3 * width,
    inQkv: image * tokens * 3 * width + head * dim,
    inOut: image * tokens * width + head * dim,
  };
}

export function attention_f32(
  { f32 }: Heap,
  items: number,
  heads: number,
  tokens: number,
  dim: number,
  scale: number,
  qkv: number,
  out: number,
  lse: number,
): void {
  for (let item = 0; item < items; item++) {
    const { width, ld, inQkv, inOut } = locate(item, heads, tokens, dim);
    const q = (qkv >> 2) + inQkv;
    const [k, v] = [q + width, q + 2 * width];
    for (let i = 0; i < tokens; i++) {
      const row = attend(f32, tokens, dim, scale, q + i * ld, k, ld);
      f32[(lse >> 2) + item * tokens + i] = row.lse;
      for (let c = 0; c < dim; c++) {
        let sum = 0;
        for (let j = 0; j < tokens; j++) sum += row.probabilities[j] * f32[v + j * ld + c];
        f32[(out >> 2) + inOut + i * width + c] = sum;
      }
    }
  }
}

export function attention_grad_f32(
  { f32 }: Heap,
  items: number,
  heads: number,
  tokens: number,
  dim: number,
  scale: number,
  qkv: number,
  _out: number,
  _lse: number,
  dout: number,
  dqkv: number,
): void {
  f32.fill(0, dqkv >> 2, (dqkv >> 2) + items * tokens * 3 * dim);
  for (let item = 0; item < items; item++) {
    const { width, ld, inQkv, inOut } = locate(item, heads, tokens, dim);
    const q = (qkv >> 2) + inQkv;
    const [k, v] = [q + width, q + 2 * width];
    const dq = (dqkv >> 2) + inQkv;
    const [dk, dv] = [dq + width, dq + 2 * width];
    for (let i = 0; i < tokens; i++) {
      const { probabilities } = attend(f32, tokens, dim, scale, q + i * ld, k, ld);
      const dy = (dout >> 2) + inOut + i * width;
      const dp = probabilities.map((_, j) => {
        let sum = 0;
        for (let c = 0; c < dim; c++) sum += f32[dy + c] * f32[v + j * ld + c];
        return sum;
      });
      const mean = dp.reduce((sum, value, j) => sum + probabilities[j] * value, 0);
      for (let j = 0; j < tokens; j++) {
        const ds = scale * probabilities[j] * (dp[j] - mean);
        for (let c = 0; c < dim; c++) {
          f32[dq + i * ld + c] += ds * f32[k + j * ld + c];
          f32[dk + j * ld + c] += ds * f32[q + i * ld + c];
          f32[dv + j * ld + c] += probabilities[j] * f32[dy + c];
        }
      }
    }
  }
}
