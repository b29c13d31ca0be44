// Sinkhorn-Knopp on E = exp((logits − max)/τ), rows = samples, columns = prototypes. Dividing by column and row sums in turn
// only ever rescales rows and columns, so E stays as it is and two vectors change: after each half-step the current matrix is
// E[r, c] · row_scale[r] · column_scale[c]. An iteration reads E twice and writes vectors alone. Columns are given the sum
// rows/cols and rows the sum 1, which is the published form times rows; the two agree on the total, so the scales settle.
import { expect_aligned, expect_positive, expect_range, expect_sizes } from "./contract";
import { load_part, store_part } from "./lanes";
import { exp2_f32x4, LOG2_E } from "./math";
import { row_at, row_dot } from "./rows";

/** Columns whose sums are kept in the nearest cache; columns per partial sum of a row. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 1024;

/**
 * y[i] = exp(max((x[i] − shift) / τ, −80))
 *
 * The floor keeps every entry normal, so that no row or column can sum to zero; it lies e⁻⁸⁰ below the largest entry if
 * shift is the largest x.
 *
 * reads     x  f32[n], contiguous; shift  one number
 * writes    y  f32[n], contiguous; may be x itself
 * requires  τ > 0; 0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     1e-5 relative: rounding of arguments up to 80
 */
export function sinkhorn_exp_f32(n: i32, x: usize, temperature: f32, shift: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(x | shift | y);
  expect_positive(temperature);
  const skip = <usize>begin << 2;
  const stop = y + (<usize>end << 2);
  x += skip;
  y += skip;
  const shifts = v128.load32_splat(shift);
  const rates = f32x4.splat(LOG2_E / temperature); // e^t = 2^(t · log₂ e)
  const floor = f32x4.splat(-80 * LOG2_E);
  // pmax(a, b) is a < b ? b : a, so NaN in first place stays.
  if (y + 32 <= stop) {
    do {
      const a = f32x4.pmax(f32x4.mul(f32x4.sub(v128.load(x), shifts), rates), floor);
      const b = f32x4.pmax(f32x4.mul(f32x4.sub(v128.load(x, 16), shifts), rates), floor);
      const yA = exp2_f32x4(a);
      const yB = exp2_f32x4(b);
      v128.store(y, yA);
      v128.store(y, yB, 16);
      x += 32;
      y += 32;
    } while (y + 32 <= stop);
  }
  for (; y < stop; x += 16, y += 16) {
    const left = stop - y;
    const t = f32x4.pmax(f32x4.mul(f32x4.sub(load_part(x, left, shifts), shifts), rates), floor);
    store_part(y, left, exp2_f32x4(t));
  }
}

/**
 * sums[c] = Σ_r x[r, c] · row_scale[r]
 *
 * reads     x  f32[rows, cols], contiguous; row_scale  f32[rows]
 * writes    sums  f32[cols]
 * requires  0 ≤ begin ≤ end ≤ cols
 * splits    over cols, anywhere
 * error     at most rows / 4 + 4 roundings
 */
export function sinkhorn_column_sums_f32(
  cols: i32, rows: i32, x: usize, row_scale: usize, sums: usize, begin: i32, end: i32,
): void {
  expect_range(cols, begin, end);
  expect_aligned(x | row_scale | sums);
  expect_sizes(rows);
  const ld = <usize>cols << 2;
  for (let first = begin; first < end; first += BLOCK) {
    const count = min(BLOCK, end - first);
    const to = sums + (<usize>first << 2);
    memory.fill(to, 0, <usize>count << 2);
    let from = x + (<usize>first << 2);
    let r = 0;
    for (; r + 4 <= rows; r += 4, from += 4 * ld) add_four_rows(count, from, ld, row_scale + (<usize>r << 2), to);
    for (; r < rows; r++, from += ld) add_row(count, from, row_scale + (<usize>r << 2), to);
  }
}

/**
 * column_scale[c] = share / sums[c]
 *
 * reads     sums  f32[cols]
 * writes    column_scale  f32[cols]; may be sums itself
 * requires  0 ≤ begin ≤ end ≤ cols
 * splits    over cols, anywhere
 * error     one rounding
 */
export function sinkhorn_shares_f32(
  cols: i32, sums: usize, share: f32, column_scale: usize, begin: i32, end: i32,
): void {
  expect_range(cols, begin, end);
  expect_aligned(sums | column_scale);
  const shares = f32x4.splat(share);
  const stop = sums + (<usize>end << 2);
  sums += <usize>begin << 2;
  column_scale += <usize>begin << 2;
  for (; sums + 16 <= stop; sums += 16, column_scale += 16) {
    v128.store(column_scale, f32x4.div(shares, v128.load(sums)));
  }
  for (; sums < stop; sums += 4, column_scale += 4) store<f32>(column_scale, share / load<f32>(sums));
}

function add_four_rows(n: i32, x: usize, ld: usize, row_scale: usize, sums: usize): void {
  const u0 = v128.load32_splat(row_scale);
  const u1 = v128.load32_splat(row_scale, 4);
  const u2 = v128.load32_splat(row_scale, 8);
  const u3 = v128.load32_splat(row_scale, 12);
  let x1 = x + ld;
  let x2 = x1 + ld;
  let x3 = x2 + ld;
  const stop = sums + (<usize>n << 2);
  for (; sums + 16 <= stop; sums += 16, x += 16, x1 += 16, x2 += 16, x3 += 16) {
    const a = f32x4.add(f32x4.mul(v128.load(x), u0), f32x4.mul(v128.load(x1), u1));
    const b = f32x4.add(f32x4.mul(v128.load(x2), u2), f32x4.mul(v128.load(x3), u3));
    v128.store(sums, f32x4.add(v128.load(sums), f32x4.add(a, b)));
  }
  for (; sums < stop; sums += 4, x += 4, x1 += 4, x2 += 4, x3 += 4) {
    const a = load<f32>(x) * load<f32>(row_scale) + load<f32>(x1) * load<f32>(row_scale, 4);
    const b = load<f32>(x2) * load<f32>(row_scale, 8) + load<f32>(x3) * load<f32>(row_scale, 12);
    store<f32>(sums, load<f32>(sums) + (a + b));
  }
}

function add_row(n: i32, x: usize, row_scale: usize, sums: usize): void {
  const u = v128.load32_splat(row_scale);
  const stop = sums + (<usize>n << 2);
  for (; sums + 16 <= stop; sums += 16, x += 16) {
    v128.store(sums, f32x4.add(v128.load(sums), f32x4.mul(v128.load(x), u)));
  }
  for (; sums < stop; sums += 4, x += 4) store<f32>(sums, load<f32>(sums) + load<f32>(x) * load<f32>(row_scale));
}

/**
 * row_scale[r] = 1 / Σ_c x[r, c] · column_scale[c]
 *
 * reads     x  f32[rows, cols], contiguous; column_scale  f32[cols]
 * writes    row_scale  f32[rows]
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 1024 + 72 roundings of the sum
 */
export function sinkhorn_rows_f32(
  rows: i32, cols: i32, x: usize, column_scale: usize, row_scale: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | column_scale | row_scale);
  expect_sizes(cols);
  for (let r = begin; r < end; r++) {
    let p = row_at(x, r, cols);
    let v = column_scale;
    let sum: f32 = 0;
    for (const stop = p + (<usize>cols << 2); p < stop; ) {
      const pause = min(p + (<usize>BLOCK << 2), stop);
      sum += row_dot(p, pause, v);
      v += pause - p;
      p = pause;
    }
    store<f32>(row_scale + (<usize>r << 2), 1 / sum);
  }
}

/**
 * x[r, c] ← x[r, c] · row_scale[r] · column_scale[c]
 *
 * reads     row_scale  f32[rows]; column_scale  f32[cols]
 * writes    x  f32[rows, cols], contiguous, in place
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     two roundings
 */
export function sinkhorn_scale_f32(
  rows: i32, cols: i32, row_scale: usize, column_scale: usize, x: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(row_scale | column_scale | x);
  expect_sizes(cols);
  for (let r = begin; r < end; r++) {
    const u = load<f32>(row_scale + (<usize>r << 2));
    const us = f32x4.splat(u);
    let v = column_scale;
    let p = row_at(x, r, cols);
    const stop = p + (<usize>cols << 2);
    for (; p + 16 <= stop; p += 16, v += 16) {
      v128.store(p, f32x4.mul(f32x4.mul(v128.load(p), v128.load(v)), us));
    }
    for (; p < stop; p += 4, v += 4) store<f32>(p, load<f32>(p) * load<f32>(v) * u);
  }
}
