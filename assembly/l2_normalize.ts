import { expect_aligned, expect_at_least, expect_beta, expect_positive, expect_range, expect_rows } from "./contract";
import { keep_mask, larger, load_part, store_part } from "./lanes";
import { row_at, row_dot, row_scale, row_squares } from "./rows";

/**
 * y[r, c] = x[r, c] / max(‖x[r]‖, ε)
 *
 * reads     x  f32[rows, cols], row stride ldx
 * writes    y  f32[rows, cols], row stride ldy; may be x itself
 *           norms  f32[rows]: ‖x[r]‖
 * requires  cols ≥ 1; ε > 0; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     relative: cols / 32 + 8 roundings at worst
 */
export function l2_normalize_f32(
  rows: i32, cols: i32, x: usize, ldx: i32, eps: f32, y: usize, ldy: i32, norms: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | y | norms);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldy);
  expect_positive(eps);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const from = row_at(x, r, ldx);
    const norm = sqrt<f32>(row_squares(from, from + bytes));
    store<f32>(norms + (<usize>r << 2), norm);
    // A norm that is NaN stays so: a broken row must not turn into zeros.
    row_scale(from, from + bytes, 1 / larger(norm, eps), row_at(y, r, ldy));
  }
}

/**
 * dx[r, c] = (dy[r, c] − y[r, c] · Σ_k y[r, k]·dy[r, k]) / ‖x[r]‖ + β·dx[r, c]          where ‖x[r]‖ > ε
 * dx[r, c] = dy[r, c] / ε + β·dx[r, c]                                                elsewhere
 *
 * reads     y, dy  f32[rows, cols], row strides ldy, lddy
 *           norms  f32[rows], from l2_normalize_f32
 * writes    dx  f32[rows, cols], row stride lddx; may be dy itself
 * requires  cols ≥ 1; ε > 0; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 16 + 10 roundings of the largest term
 */
export function l2_normalize_grad_f32(
  rows: i32, cols: i32, y: usize, ldy: i32, norms: usize, eps: f32, dy: usize, lddy: i32, beta: f32, dx: usize,
  lddx: i32, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(y | norms | dy | dx);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldy);
  expect_rows(rows, cols, lddy);
  expect_rows(rows, cols, lddx);
  expect_positive(eps);
  expect_beta(beta);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const from = row_at(y, r, ldy);
    const g = row_at(dy, r, lddy);
    const norm = load<f32>(norms + (<usize>r << 2));
    const along: f32 = norm > eps ? row_dot(from, from + bytes, g) : 0;
    row_subtract_along(g, g + bytes, from, along, 1 / larger(norm, eps), beta, row_at(dx, r, lddx));
  }
}

/** out = (g − along·y)·scale + β·out: the part of g across y, if along = g·y and ‖y‖ = 1. */
export function row_subtract_along(
  g: usize, stop: usize, y: usize, along: f32, scale: f32, beta: f32, out: usize,
): void {
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const length = f32x4.splat(along);
  const factor = f32x4.splat(scale);
  if (g + 32 <= stop) {
    do {
      const a = f32x4.sub(v128.load(g), f32x4.mul(v128.load(y), length));
      const b = f32x4.sub(v128.load(g, 16), f32x4.mul(v128.load(y, 16), length));
      const oldA = v128.and(v128.load(out), keep);
      const oldB = v128.and(v128.load(out, 16), keep);
      v128.store(out, f32x4.add(f32x4.mul(a, factor), oldA));
      v128.store(out, f32x4.add(f32x4.mul(b, factor), oldB), 16);
      g += 32;
      y += 32;
      out += 32;
    } while (g + 32 <= stop);
  }
  for (; g < stop; g += 16, y += 16, out += 16) {
    const left = stop - g;
    const v = f32x4.sub(load_part(g, left, zero), f32x4.mul(load_part(y, left, zero), length));
    store_part(out, left, f32x4.add(f32x4.mul(v, factor), v128.and(load_part(out, left, zero), keep)));
  }
}
