import { block_rows, LOG2_E, pack_columns, pack_rows, packed_pitch, product, product_transposed } from "./attention_tile";
import { horizontal_sum } from "./lanes";
import { exp2_f32x4 } from "./math";
import { fill_span, scale_span } from "./span";

/**
 * dv = Pᵀ·dout, dk = scale·dSᵀ·q, dq = scale·dS·k per image and head          gradient of attention_f32
 *
 * with P = exp(scale·q·kᵀ − lse), recomputed a block of queries at a time, and dS = P ⊙ (dout·vᵀ − Σ_c dout ⊙ out), after
 * Dao et al., FlashAttention, 2022, appendix B.
 *
 * reads     qkv  f32[items / heads, tokens, 3, heads, dim], contiguous; out and dout  f32[items / heads, tokens, heads, dim],
 *           contiguous; lse  f32[items, tokens]; out and lse as attention_f32 wrote them
 * writes    dqkv  laid out as qkv, overwritten
 * requires  as attention_f32, but scratch for 2·tokens·(dim + 15) + 56·(4·dim + 2·tokens + 36) numbers
 * splits    over items, anywhere
 * error     as attention_f32, relative to the largest entry of each gradient
 */
export function attention_grad_f32(
  items: i32, heads: i32, tokens: i32, dim: i32, scale: f32, qkv: usize, out: usize, lse: usize, dout: usize, dqkv: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  const headBytes = <usize>dim << 2;
  const outPitch = <usize>heads * headBytes;
  const qkvPitch = outPitch * 3;
  const pitch = packed_pitch(dim);
  const block = block_rows(tokens);
  const blockPitch = <usize>block << 2;

  const keys = scratch;
  const values = keys + <usize>tokens * pitch;
  const queries = values + <usize>tokens * pitch;
  const queryColumns = queries + <usize>block * pitch;
  const grads = queryColumns + <usize>dim * blockPitch;
  const gradColumns = grads + <usize>block * pitch;
  const logs = gradColumns + <usize>dim * blockPitch;
  const dots = logs + blockPitch;
  const scales = dots + blockPitch;
  const scores = scales + blockPitch;
  const dscores = scores + <usize>tokens * blockPitch;
  fill_span(block, scale, scales);

  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const firstRow = <usize>image * <usize>tokens;
    const offset = <usize>(item - image * heads) * headBytes;
    const inQkv = firstRow * qkvPitch + offset;
    const dk = dqkv + inQkv + outPitch;
    const dv = dk + outPitch;
    pack_rows(tokens, dim, 1, qkv + inQkv + outPitch, qkvPitch, keys, pitch);
    pack_rows(tokens, dim, 1, qkv + inQkv + (outPitch << 1), qkvPitch, values, pitch);
    for (let first = 0; first < tokens; first += block) {
      const rows = min(block, tokens - first);
      const columns = (rows + 7) & ~7;
      const accumulate = first > 0;
      const atQkv = inQkv + <usize>first * qkvPitch;
      const atOut = (firstRow + <usize>first) * outPitch + offset;
      pack_rows(rows, dim, scale, qkv + atQkv, qkvPitch, queries, pitch);
      pack_columns(rows, dim, scale * LOG2_E, qkv + atQkv, qkvPitch, queryColumns, blockPitch);
      pack_rows(rows, dim, 1, dout + atOut, outPitch, grads, pitch);
      pack_columns(rows, dim, 1, dout + atOut, outPitch, gradColumns, blockPitch);
      row_dots(rows, dim, out + atOut, outPitch, grads, pitch, dots);
      scale_span(rows, LOG2_E, lse + (<usize>(item * tokens + first) << 2), logs);

      product(tokens, columns, dim, keys, pitch, queryColumns, blockPitch, false, scores, blockPitch);
      product(tokens, columns, dim, values, pitch, gradColumns, blockPitch, false, dscores, blockPitch);
      differentiate(tokens, rows, scores, dscores, blockPitch, logs, dots);
      product(tokens, dim, rows, scores, blockPitch, grads, pitch, accumulate, dv, qkvPitch);
      product(tokens, dim, rows, dscores, blockPitch, queries, pitch, accumulate, dk, qkvPitch);
      product_transposed(rows, dim, tokens, dscores, blockPitch, keys, pitch, scales, dqkv + atQkv, qkvPitch);
    }
  }
}

/** dots[r] = Σ_c a[r, c]·b[r, c] */
function row_dots(rows: i32, dim: i32, a: usize, aPitch: usize, b: usize, bPitch: usize, dots: usize): void {
  const whole = <usize>(dim & ~3) << 2;
  const stop = <usize>dim << 2;
  for (; rows > 0; rows--, a += aPitch, b += bPitch, dots += 4) {
    let sums = f32x4.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) sums = f32x4.add(sums, f32x4.mul(v128.load(a + at), v128.load(b + at)));
    let sum = horizontal_sum(sums);
    for (; at < stop; at += 4) sum += load<f32>(a + at) * load<f32>(b + at);
    store<f32>(dots, sum);
  }
}

/** s[j, r] ← P = 2^(s[j, r] − logs[r]) and ds[j, r] ← P·(ds[j, r] − dots[r]), up to the next multiple of 4 columns. */
function differentiate(tokens: i32, rows: i32, s: usize, ds: usize, pitch: usize, logs: usize, dots: usize): void {
  for (; rows > 0; rows -= 4, s += 16, ds += 16, logs += 16, dots += 16) {
    const log = v128.load(logs);
    const dot = v128.load(dots);
    let at = s;
    let dat = ds;
    for (let j = tokens; j > 0; j--, at += pitch, dat += pitch) {
      const p = exp2_f32x4(f32x4.sub(v128.load(at), log));
      v128.store(at, p);
      v128.store(dat, f32x4.mul(p, f32x4.sub(v128.load(dat), dot)));
    }
  }
}
