import { expect_aligned, expect_indices, expect_range, expect_rows, expect_sizes, UNKNOWN } from "./contract";
import { row_at } from "./rows";
import { add_scaled_span } from "./span";

/**
 * y[oy·OW + ox, c] = Σ_a wr[oy, a] Σ_b wc[ox, b]·x[ir[oy, a]·IW + ic[ox, b], c]          separable resampling with four taps
 * per axis; the host computes the taps (bicubic or other), clamped to the grid
 *
 * reads     x  f32[IH·IW, channels], row stride ldx; row_index  i32[out_rows, 4] and row_weight  f32[out_rows, 4];
 *           col_index and col_weight  [out_cols, 4]
 * writes    y  f32[out_rows·out_cols, channels], row stride ldy
 * requires  in_cols = IW; indices inside the grid; 0 ≤ begin ≤ end ≤ out_rows
 * splits    over out_rows, anywhere
 * error     ten roundings, relative to the sum of absolute terms
 */
export function resample_f32(
  out_rows: i32,
  out_cols: i32,
  channels: i32,
  in_cols: i32,
  row_index: usize,
  row_weight: usize,
  col_index: usize,
  col_weight: usize,
  x: usize,
  ldx: i32,
  y: usize,
  ldy: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(out_rows, begin, end);
  expect_aligned(row_index | row_weight | col_index | col_weight | x | y);
  expect_sizes(ldx);
  expect_rows(out_rows * out_cols, channels, ldy);
  expect_indices(4 * out_rows, row_index, 0, UNKNOWN);
  expect_indices(4 * out_cols, col_index, 0, in_cols);
  const ldxBytes = (<usize>ldx) << 2;
  const ldyBytes = (<usize>ldy) << 2;
  const gridRowBytes = ldxBytes * in_cols;
  for (let oy = begin; oy < end; oy++) {
    const taps = (<usize>oy) << 4;
    for (let ox = 0; ox < out_cols; ox++) {
      const colIndex = col_index + ((<usize>ox) << 4);
      const colWeight = col_weight + ((<usize>ox) << 4);
      const to = y + <usize>(oy * out_cols + ox) * ldyBytes;
      for (let a: usize = 0; a < 16; a += 4) {
        const row = x + <usize>load<i32>(row_index + taps + a) * gridRowBytes;
        const weight = load<f32>(row_weight + taps + a);
        add_four_taps(channels, row, ldxBytes, colIndex, colWeight, weight, a != 0, to);
      }
    }
  }
}

/** y[c] = w·Σ_b wc[b]·x[ic[b], c], added to y[c] if `more` */
function add_four_taps(
  n: i32,
  x: usize,
  ldxBytes: usize,
  colIndex: usize,
  colWeight: usize,
  weight: f32,
  more: bool,
  y: usize,
): void {
  let x0 = x + <usize>load<i32>(colIndex) * ldxBytes;
  let x1 = x + <usize>load<i32>(colIndex, 4) * ldxBytes;
  let x2 = x + <usize>load<i32>(colIndex, 8) * ldxBytes;
  let x3 = x + <usize>load<i32>(colIndex, 12) * ldxBytes;
  const w0 = load<f32>(colWeight);
  const w1 = load<f32>(colWeight, 4);
  const w2 = load<f32>(colWeight, 8);
  const w3 = load<f32>(colWeight, 12);
  const v0 = f32x4.splat(w0);
  const v1 = f32x4.splat(w1);
  const v2 = f32x4.splat(w2);
  const v3 = f32x4.splat(w3);
  const vw = f32x4.splat(weight);
  const stop = y + ((<usize>n) << 2);
  for (; y + 16 <= stop; x0 += 16, x1 += 16, x2 += 16, x3 += 16, y += 16) {
    const low = f32x4.add(f32x4.mul(v0, v128.load(x0)), f32x4.mul(v1, v128.load(x1)));
    const high = f32x4.add(f32x4.mul(v2, v128.load(x2)), f32x4.mul(v3, v128.load(x3)));
    const sum = f32x4.mul(vw, f32x4.add(low, high));
    v128.store(y, more ? f32x4.add(v128.load(y), sum) : sum);
  }
  for (; y < stop; x0 += 4, x1 += 4, x2 += 4, x3 += 4, y += 4) {
    const low = w0 * load<f32>(x0) + w1 * load<f32>(x1);
    const sum = weight * (low + (w2 * load<f32>(x2) + w3 * load<f32>(x3)));
    store<f32>(y, more ? load<f32>(y) + sum : sum);
  }
}

/**
 * dx[ir[oy, a]·IW + ic[ox, b], c] += wr[oy, a]·wc[ox, b]·dy[oy·OW + ox, c]          gradient of resample_f32
 *
 * reads     dy  f32[out_rows·out_cols, channels], row stride lddy; taps as in resample_f32
 * writes    dx  f32[IH·IW, channels], row stride lddx; accumulates
 * requires  in_cols = IW; indices inside the grid; 0 ≤ begin ≤ end ≤ channels
 * splits    over channels, anywhere, so that taps on the same cell never meet across threads
 * error     three roundings per addend
 */
export function resample_grad_f32(
  channels: i32,
  out_rows: i32,
  out_cols: i32,
  in_cols: i32,
  row_index: usize,
  row_weight: usize,
  col_index: usize,
  col_weight: usize,
  dy: usize,
  lddy: i32,
  dx: usize,
  lddx: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(channels, begin, end);
  expect_aligned(row_index | row_weight | col_index | col_weight | dy | dx);
  expect_rows(out_rows * out_cols, channels, lddy);
  expect_sizes(lddx);
  expect_indices(4 * out_rows, row_index, 0, UNKNOWN);
  expect_indices(4 * out_cols, col_index, 0, in_cols);
  const n = end - begin;
  const skip = (<usize>begin) << 2;
  for (let oy = 0; oy < out_rows; oy++) {
    for (let ox = 0; ox < out_cols; ox++) {
      const from = row_at(dy, oy * out_cols + ox, lddy) + skip;
      for (let tap: usize = 0; tap < 16; tap++) {
        const a = ((<usize>oy) << 4) + ((tap >> 2) << 2);
        const b = ((<usize>ox) << 4) + ((tap & 3) << 2);
        const cell = load<i32>(row_index + a) * in_cols + load<i32>(col_index + b);
        const weight = load<f32>(row_weight + a) * load<f32>(col_weight + b);
        const to = row_at(dx, cell, lddx) + skip;
        add_scaled_span(n, weight, from, to, to);
      }
    }
  }
}
