import { expect_aligned, expect_at_least, expect_beta, expect_range } from "./contract";
import { row_subtract_along } from "./l2_normalize";
import { row_at, row_dot, row_scale, row_squares } from "./rows";

/**
 * y[r, c] = g[r] · v[r, c] / ‖v[r]‖
 *
 * reads     v  f32[rows, cols], contiguous
 *           g  f32[rows]
 * writes    y  f32[rows, cols], contiguous
 *           norms  f32[rows]: ‖v[r]‖
 * requires  cols ≥ 1; 0 ≤ begin ≤ end ≤ rows; a row of zeros gives NaN
 * splits    over rows, anywhere
 * error     relative: cols / 32 + 9 roundings at worst
 */
export function weight_norm_f32(
  rows: i32, cols: i32, v: usize, g: usize, y: usize, norms: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(v | g | y | norms);
  expect_at_least(cols, 1);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const from = row_at(v, r, cols);
    const at = <usize>r << 2;
    const norm = sqrt<f32>(row_squares(from, from + bytes));
    store<f32>(norms + at, norm);
    row_scale(from, from + bytes, load<f32>(g + at) / norm, row_at(y, r, cols));
  }
}

/**
 * dv[r, c] = g[r]/‖v[r]‖ · (dy[r, c] − v[r, c]·(v[r]·dy[r]) / ‖v[r]‖²) + β_v·dv[r, c]
 * dg[r]    = v[r]·dy[r] / ‖v[r]‖ + β_g·dg[r]
 *
 * reads     v, dy  f32[rows, cols], contiguous
 *           g      f32[rows]
 *           norms  f32[rows], from weight_norm_f32
 * writes    dv  f32[rows, cols], contiguous; dg  f32[rows]
 * requires  cols ≥ 1; β_v, β_g are 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     at most cols / 16 + 10 roundings of the largest term
 */
export function weight_norm_grad_f32(
  rows: i32, cols: i32, v: usize, g: usize, norms: usize, dy: usize, beta_v: f32, dv: usize, beta_g: f32, dg: usize,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(v | g | norms | dy | dv | dg);
  expect_at_least(cols, 1);
  expect_beta(beta_v);
  expect_beta(beta_g);
  const bytes = <usize>cols << 2;
  for (let r = begin; r < end; r++) {
    const from = row_at(v, r, cols);
    const upstream = row_at(dy, r, cols);
    const at = <usize>r << 2;
    const norm = load<f32>(norms + at);
    const along = row_dot(from, from + bytes, upstream) / norm;
    const scale = load<f32>(g + at) / norm;
    row_subtract_along(upstream, upstream + bytes, from, along / norm, scale, beta_v, row_at(dv, r, cols));
    store<f32>(dg + at, beta_g == 0 ? along : along + load<f32>(dg + at));
  }
}
