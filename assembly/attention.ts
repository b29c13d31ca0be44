import {
  block_rows, pack_panels, pack_strips, pack_transposed, panels_bytes, product_by_query, product_scores,
  strip_bytes, strips_bytes,
} from "./attention_tile";
import { expect_aligned, expect_at_least, expect_divisor, expect_range, expect_scratch } from "./contract";
import { store_part } from "./lanes";
import { exp2_f32x4, LOG2_E, log_f32x4 } from "./math";

// @ts-ignore: decorator
@inline
const LN_2: f32 = 0.6931471805599453;

/**
 * out = softmax(scale·q·kᵀ)·v per image and head          the scores of a block of queries at a time, none kept
 *
 * reads     qkv  f32[items / heads, tokens, 3, heads, dim], contiguous
 * writes    out  f32[items / heads, tokens, heads, dim], contiguous;
 *           lse  f32[items, tokens]: log Σ_j exp(scale·q·k_j) per query, for the gradient
 * requires  item = image·heads + head; tokens ≥ 1; dim ≥ 1; scratch for
 *           2·(tokens + 3)·(dim + 7) + 56·(dim + tokens + 8) numbers; 0 ≤ begin ≤ end ≤ items
 * splits    over items, anywhere
 * error     relative to the largest |v|: about 4e-7·(1 + the largest |scale·q·k|)
 */
export function attention_f32(
  items: i32, heads: i32, tokens: i32, dim: i32, scale: f32, qkv: usize, out: usize, lse: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  expect_range(items, begin, end);
  expect_aligned(qkv | out | lse);
  expect_divisor(heads, items);
  expect_at_least(tokens, 1);
  expect_at_least(dim, 1);
  expect_scratch(scratch, 2 * <i64>(tokens + 3) * (dim + 7) + 56 * <i64>(dim + tokens + 8));
  const headBytes = <usize>dim << 2;
  const outPitch = <usize>heads * headBytes;
  const qkvPitch = outPitch * 3;
  const block = block_rows(tokens);
  const stripBytes = strip_bytes(tokens);

  const keys = scratch;
  const values = keys + strips_bytes(tokens, dim);
  const queries = values + panels_bytes(tokens, dim);
  const inverse = queries + strips_bytes(block, dim);
  const scores = inverse + (<usize>block << 2);

  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const firstRow = <usize>image * <usize>tokens;
    const offset = <usize>(item - image * heads) * headBytes;
    const q = qkv + firstRow * qkvPitch + offset;
    const o = out + firstRow * outPitch + offset;
    const l = lse + (<usize>item * <usize>tokens << 2);
    pack_strips(tokens, dim, 1, q + outPitch, qkvPitch, keys);
    pack_panels(tokens, dim, 1, q + (outPitch << 1), qkvPitch, values);
    for (let first = 0; first < tokens; first += block) {
      const rows = min(block, tokens - first);
      const at = <usize>first;
      pack_transposed(rows, dim, scale * LOG2_E, q + at * qkvPitch, qkvPitch, queries);
      product_scores(tokens, rows, dim, keys, queries, scores, stripBytes);
      exponentiate(tokens, rows, scores, stripBytes, inverse, l + (at << 2));
      product_by_query(rows, dim, tokens, scores, stripBytes, values, inverse, o + at * outPitch, outPitch);
    }
  }
}

/**
 * s[j, r] ← 2^(s[j, r] − max_j s[j, r]), inverse[r] = 1 / Σ_j of that, lse[r] = ln Σ_j 2^s[j, r]
 *
 * Writes `rows` entries of lse, and of inverse up to the next multiple of 4.
 */
function exponentiate(tokens: i32, rows: i32, s: usize, stripBytes: usize, inverse: usize, lse: usize): void {
  const ln2 = f32x4.splat(LN_2);
  const one = f32x4.splat(1);
  for (let left = rows << 2; left > 0; left -= 16, s += stripBytes, inverse += 16, lse += 16) {
    const last = s + (<usize>(tokens - 1) << 4);
    let top = v128.load(last);
    let top1 = top;
    for (let at = s; at < last; at += 32) {
      top = f32x4.pmax(top, v128.load(at));
      top1 = f32x4.pmax(top1, v128.load(at, 16));
    }
    top = f32x4.pmax(top, top1);
    let sum = f32x4.splat(0);
    let sum1 = sum;
    // Two keys a turn load each constant of the exponential once for both.
    for (let at = s; at < last; at += 32) {
      const p = exp2_f32x4(f32x4.sub(v128.load(at), top));
      const p1 = exp2_f32x4(f32x4.sub(v128.load(at, 16), top));
      v128.store(at, p);
      v128.store(at, p1, 16);
      sum = f32x4.add(sum, p);
      sum1 = f32x4.add(sum1, p1);
    }
    if (tokens & 1) {
      const p = exp2_f32x4(f32x4.sub(v128.load(last), top));
      v128.store(last, p);
      sum = f32x4.add(sum, p);
    }
    sum = f32x4.add(sum, sum1);
    v128.store(inverse, f32x4.div(one, sum));
    store_part(lse, left, f32x4.add(f32x4.mul(top, ln2), log_f32x4(sum)));
  }
}
