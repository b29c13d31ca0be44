import {
  block_rows, pack_panels, pack_strips, pack_transposed, panels_bytes, product_by_key, product_by_query,
  product_scores, strip_bytes, strips_bytes,
} from "./attention_tile";
import { expect_aligned, expect_at_least, expect_divisor, expect_range, expect_scratch } from "./contract";
import { horizontal_sum } from "./lanes";
import { exp2_f32x4, LOG2_E } from "./math";
import { fill_span, scale_span } from "./span";

/**
 * dv = Pᵀ·dout, dk = scale·dSᵀ·q, dq = scale·dS·k per image and head          gradient of attention_f32
 *
 * with P = exp(scale·q·kᵀ − lse), recomputed a block of queries at a time, and dS = P ⊙ (dout·vᵀ − Σ_c dout ⊙ out), after
 * Dao et al., FlashAttention, 2022, appendix B.
 *
 * reads     qkv  f32[items / heads, tokens, 3, heads, dim], contiguous; out and dout
 *           f32[items / heads, tokens, heads, dim], contiguous; lse  f32[items, tokens]; out and lse as attention_f32
 *           wrote them
 * writes    dqkv  laid out as qkv, overwritten
 * requires  as attention_f32, but scratch for 3·(tokens + 3)·(dim + 7) + 56·(4·dim + 2·tokens + 31) numbers
 * splits    over items, anywhere
 * error     as attention_f32, relative to the largest entry of each gradient
 */
export function attention_grad_f32(
  items: i32, heads: i32, tokens: i32, dim: i32, scale: f32, qkv: usize, out: usize, lse: usize, dout: usize,
  dqkv: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(items, begin, end);
  expect_aligned(qkv | out | lse | dout | dqkv);
  expect_divisor(heads, items);
  expect_at_least(tokens, 1);
  expect_at_least(dim, 1);
  expect_scratch(scratch, 3 * <i64>(tokens + 3) * (dim + 7) + 56 * <i64>(4 * dim + 2 * tokens + 31));
  const headBytes = <usize>dim << 2;
  const outPitch = <usize>heads * headBytes;
  const qkvPitch = outPitch * 3;
  const block = block_rows(tokens);
  const stripBytes = strip_bytes(tokens);

  const keyStrips = scratch;
  const valueStrips = keyStrips + strips_bytes(tokens, dim);
  const keyPanels = valueStrips + strips_bytes(tokens, dim);
  const queryColumns = keyPanels + panels_bytes(tokens, dim);
  const gradColumns = queryColumns + strips_bytes(block, dim);
  const queryPanels = gradColumns + strips_bytes(block, dim);
  const gradPanels = queryPanels + panels_bytes(block, dim);
  const logs = gradPanels + panels_bytes(block, dim);
  const dots = logs + (<usize>block << 2);
  const ones = dots + (<usize>block << 2);
  const scores = ones + (<usize>block << 2);
  const dscores = scores + <usize>(block >> 2) * stripBytes;
  fill_span(block, 1, ones);

  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const firstRow = <usize>image * <usize>tokens;
    const offset = <usize>(item - image * heads) * headBytes;
    const inQkv = firstRow * qkvPitch + offset;
    const dk = dqkv + inQkv + outPitch;
    const dv = dk + outPitch;
    pack_strips(tokens, dim, 1, qkv + inQkv + outPitch, qkvPitch, keyStrips);
    pack_strips(tokens, dim, 1, qkv + inQkv + (outPitch << 1), qkvPitch, valueStrips);
    pack_panels(tokens, dim, scale, qkv + inQkv + outPitch, qkvPitch, keyPanels);
    for (let first = 0; first < tokens; first += block) {
      const rows = min(block, tokens - first);
      const q = qkv + inQkv + <usize>first * qkvPitch;
      const atOut = (firstRow + <usize>first) * outPitch + offset;
      pack_transposed(rows, dim, scale * LOG2_E, q, qkvPitch, queryColumns);
      pack_transposed(rows, dim, 1, dout + atOut, outPitch, gradColumns);
      pack_panels(rows, dim, scale, q, qkvPitch, queryPanels);
      pack_panels(rows, dim, 1, dout + atOut, outPitch, gradPanels);
      row_dots(rows, dim, out + atOut, dout + atOut, outPitch, dots);
      scale_span(rows, LOG2_E, lse + (<usize>(item * tokens + first) << 2), logs);

      product_scores(tokens, rows, dim, keyStrips, queryColumns, scores, stripBytes);
      product_scores(tokens, rows, dim, valueStrips, gradColumns, dscores, stripBytes);
      differentiate(tokens, rows, scores, dscores, stripBytes, logs, dots);
      product_by_key(tokens, dim, rows, scores, stripBytes, gradPanels, first > 0, dv, qkvPitch);
      product_by_key(tokens, dim, rows, dscores, stripBytes, queryPanels, first > 0, dk, qkvPitch);
      const dq = dqkv + inQkv + <usize>first * qkvPitch;
      product_by_query(rows, dim, tokens, dscores, stripBytes, keyPanels, ones, dq, qkvPitch);
    }
  }
}

/** dots[r] = Σ_c a[r, c]·b[r, c] */
function row_dots(rows: i32, dim: i32, a: usize, b: usize, pitch: usize, dots: usize): void {
  const whole = <usize>(dim & ~3) << 2;
  const stop = <usize>dim << 2;
  for (; rows > 0; rows--, a += pitch, b += pitch, dots += 4) {
    let sums = f32x4.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) sums = f32x4.add(sums, f32x4.mul(v128.load(a + at), v128.load(b + at)));
    let sum = horizontal_sum(sums);
    for (; at < stop; at += 4) sum += load<f32>(a + at) * load<f32>(b + at);
    store<f32>(dots, sum);
  }
}

/** s[j, r] ← P = 2^(s[j, r] − logs[r]) and ds[j, r] ← P·(ds[j, r] − dots[r]), up to the next multiple of 4 queries. */
function differentiate(
  tokens: i32, rows: i32, s: usize, ds: usize, stripBytes: usize, logs: usize, dots: usize,
): void {
  for (; rows > 0; rows -= 4, s += stripBytes, ds += stripBytes, logs += 16, dots += 16) {
    const log = v128.load(logs);
    const dot = v128.load(dots);
    for (let at: usize = 0, stop = <usize>tokens << 4; at < stop; at += 16) {
      const p = exp2_f32x4(f32x4.sub(v128.load(s + at), log));
      v128.store(s + at, p);
      v128.store(ds + at, f32x4.mul(p, f32x4.sub(v128.load(ds + at), dot)));
    }
  }
}
