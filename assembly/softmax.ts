import { expect_aligned, expect_at_least, expect_beta, expect_positive, expect_range, expect_rows } from "./contract";
import { horizontal_sum, keep_mask, load_part, store_part } from "./lanes";
import { exp2_f32x4, LOG2_E, log_f32 } from "./math";
import { FAR_BELOW, row_at, row_dot, row_exp_sum, row_max, row_scale, row_sum } from "./rows";

/**
 * y[r, c] = exp(z[r, c]) / Σ_k exp(z[r, k])          z = (x − center) / τ
 *
 * reads     x       f32[rows, cols], row stride ldx
 *           center  f32[cols], or 0 for none
 * writes    y       f32[rows, cols], row stride ldy; may be x itself
 * requires  cols ≥ 1; τ > 0; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     relative 6e-7 + 2e-10·cols + 1.2e-7·(max z − z)
 */
export function softmax_f32(
  rows: i32, cols: i32, x: usize, ldx: i32, temperature: f32, center: usize, y: usize, ldy: i32, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | center | y);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldy);
  expect_positive(temperature);
  const k = LOG2_E / temperature;
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    let from = row_at(x, r, ldx);
    const to = row_at(y, r, ldy);
    if (center != 0) {
      subtract(from, from + bytes, center, to);
      from = to;
    }
    const sum = exponentials(from, from + bytes, row_max(from, from + bytes), k, to);
    row_scale(to, to + bytes, 1 / sum, to);
  }
}

/**
 * y[r, c] = z[r, c] − log Σ_k exp(z[r, k])          z = x / τ
 *
 * reads     x  f32[rows, cols], row stride ldx
 * writes    y  f32[rows, cols], row stride ldy; may be x itself
 * requires  cols ≥ 1; τ > 0; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     relative 3e-7, absolute 4e-7 + 2e-10·cols
 */
export function log_softmax_f32(
  rows: i32, cols: i32, x: usize, ldx: i32, temperature: f32, y: usize, ldy: i32, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | y);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldy);
  expect_positive(temperature);
  const k = LOG2_E / temperature;
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const from = row_at(x, r, ldx);
    const top = row_max(from, from + bytes);
    const logSum = log_f32(row_exp_sum(from, from + bytes, top, k));
    shift_and_scale(from, from + bytes, top, 1 / temperature, logSum, row_at(y, r, ldy));
  }
}

/**
 * dx[r, c] = y[r, c] · (dy[r, c] − Σ_k dy[r, k]·y[r, k]) / τ + β·dx[r, c]
 *
 * reads     y   f32[rows, cols], row stride ldy: the softmax
 *           dy  f32[rows, cols], row stride lddy
 * writes    dx  f32[rows, cols], row stride lddx; may be dy itself
 * requires  τ > 0; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 16 + 10 roundings of the largest term
 */
export function softmax_grad_f32(
  rows: i32, cols: i32, temperature: f32, y: usize, ldy: i32, dy: usize, lddy: i32, beta: f32, dx: usize, lddx: i32,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(y | dy | dx);
  expect_rows(rows, cols, ldy);
  expect_rows(rows, cols, lddy);
  expect_rows(rows, cols, lddx);
  expect_positive(temperature);
  expect_beta(beta);
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const scale = f32x4.splat(1 / temperature);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    let p = row_at(y, r, ldy);
    let g = row_at(dy, r, lddy);
    let out = row_at(dx, r, lddx);
    const stop = p + bytes;
    const mean = f32x4.splat(row_dot(p, stop, g));
    if (p + 32 <= stop) {
      do {
        const a = f32x4.mul(v128.load(p), f32x4.sub(v128.load(g), mean));
        const b = f32x4.mul(v128.load(p, 16), f32x4.sub(v128.load(g, 16), mean));
        const oldA = v128.and(v128.load(out), keep);
        const oldB = v128.and(v128.load(out, 16), keep);
        v128.store(out, f32x4.add(f32x4.mul(a, scale), oldA));
        v128.store(out, f32x4.add(f32x4.mul(b, scale), oldB), 16);
        p += 32;
        g += 32;
        out += 32;
      } while (p + 32 <= stop);
    }
    for (; p < stop; p += 16, g += 16, out += 16) {
      const left = stop - p;
      const v = f32x4.mul(load_part(p, left, zero), f32x4.sub(load_part(g, left, zero), mean));
      const old = v128.and(load_part(out, left, zero), keep);
      store_part(out, left, f32x4.add(f32x4.mul(v, scale), old));
    }
  }
}

/**
 * dx[r, c] = (dy[r, c] − exp(y[r, c]) · Σ_k dy[r, k]) / τ + β·dx[r, c]
 *
 * reads     y   f32[rows, cols], row stride ldy: the logarithm of the softmax
 *           dy  f32[rows, cols], row stride lddy
 * writes    dx  f32[rows, cols], row stride lddx; may be dy itself
 * requires  τ > 0; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 16 + 10 roundings of the largest term
 */
export function log_softmax_grad_f32(
  rows: i32, cols: i32, temperature: f32, y: usize, ldy: i32, dy: usize, lddy: i32, beta: f32, dx: usize, lddx: i32,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(y | dy | dx);
  expect_rows(rows, cols, ldy);
  expect_rows(rows, cols, lddy);
  expect_rows(rows, cols, lddx);
  expect_positive(temperature);
  expect_beta(beta);
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const scale = f32x4.splat(1 / temperature);
  const toBits = f32x4.splat(LOG2_E);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    let p = row_at(y, r, ldy);
    let g = row_at(dy, r, lddy);
    let out = row_at(dx, r, lddx);
    const stop = p + bytes;
    const sum = f32x4.splat(row_sum(g, g + bytes));
    do {
      const left = stop - p;
      const probability = exp2_f32x4(f32x4.mul(load_part(p, left, zero), toBits));
      const v = f32x4.sub(load_part(g, left, zero), f32x4.mul(probability, sum));
      const old = v128.and(load_part(out, left, zero), keep);
      store_part(out, left, f32x4.add(f32x4.mul(v, scale), old));
      p += 16;
      g += 16;
      out += 16;
    } while (p < stop);
  }
}

/** y = x − c */
function subtract(x: usize, stop: usize, c: usize, y: usize): void {
  const zero = f32x4.splat(0);
  do {
    const left = stop - x;
    store_part(y, left, f32x4.sub(load_part(x, left, zero), load_part(c, left, zero)));
    x += 16;
    c += 16;
    y += 16;
  } while (x < stop);
}

/** y = 2^((x − top)·k), and the sum of it. Two vectors at a time load each constant once for both. */
function exponentials(x: usize, stop: usize, top: f32, k: f32, y: usize): f32 {
  const below = f32x4.splat(FAR_BELOW);
  const shift = f32x4.splat(top);
  const scale = f32x4.splat(k);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  if (x + 32 <= stop) {
    do {
      const a = exp2_f32x4(f32x4.mul(f32x4.sub(v128.load(x), shift), scale));
      const b = exp2_f32x4(f32x4.mul(f32x4.sub(v128.load(x, 16), shift), scale));
      s0 = f32x4.add(s0, a);
      s1 = f32x4.add(s1, b);
      v128.store(y, a);
      v128.store(y, b, 16);
      x += 32;
      y += 32;
    } while (x + 32 <= stop);
  }
  for (; x < stop; x += 16, y += 16) {
    const left = stop - x;
    const e = exp2_f32x4(f32x4.mul(f32x4.sub(load_part(x, left, below), shift), scale));
    s0 = f32x4.add(s0, e);
    store_part(y, left, e);
  }
  return horizontal_sum(f32x4.add(s0, s1));
}

/** y = (x − top)·scale − shift */
function shift_and_scale(x: usize, stop: usize, top: f32, scale: f32, shift: f32, y: usize): void {
  const zero = f32x4.splat(0);
  const first = f32x4.splat(top);
  const factor = f32x4.splat(scale);
  const last = f32x4.splat(shift);
  do {
    const left = stop - x;
    const v = f32x4.mul(f32x4.sub(load_part(x, left, zero), first), factor);
    store_part(y, left, f32x4.sub(v, last));
    x += 16;
    y += 16;
  } while (x < stop);
}
