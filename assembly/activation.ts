import { expect_aligned, expect_beta, expect_range } from "./contract";
import { keep_mask, load_part, store_part } from "./lanes";
import { gelu_slope_f32x4, normal_cdf_f32x4 } from "./math";

/**
 * y[i] = x[i] · Φ(x[i])          exact GELU; Φ is the standard normal distribution function
 *
 * reads     x  f32[n], contiguous
 * writes    y  f32[n], contiguous; may be x itself
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     at most 1.9e-7·|x|; exactly 0 below −5.6 and x above 5.6
 */
export function gelu_f32(n: i32, x: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(x | y);
  const stop = x + (<usize>end << 2);
  const zero = f32x4.splat(0);
  x += <usize>begin << 2;
  y += <usize>begin << 2;
  // Two vectors at a time load each constant once for both.
  for (; x + 32 <= stop; x += 32, y += 32) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const yA = f32x4.mul(a, normal_cdf_f32x4(a));
    const yB = f32x4.mul(b, normal_cdf_f32x4(b));
    v128.store(y, yA);
    v128.store(y, yB, 16);
  }
  for (; x < stop; x += 16, y += 16) {
    const left = stop - x;
    const v = load_part(x, left, zero);
    store_part(y, left, f32x4.mul(v, normal_cdf_f32x4(v)));
  }
}

/**
 * dx[i] = dy[i] · (Φ(x[i]) + x[i]·φ(x[i])) + β·dx[i]          φ = Φ′
 *
 * reads     x, dy  f32[n], contiguous
 * writes    dx     f32[n], contiguous; may be dy itself
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     at most 3.3e-7·|dy|
 */
export function gelu_grad_f32(n: i32, x: usize, dy: usize, beta: f32, dx: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(x | dy | dx);
  expect_beta(beta);
  const stop = x + (<usize>end << 2);
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  const skip = <usize>begin << 2;
  x += skip;
  dy += skip;
  dx += skip;
  for (; x + 32 <= stop; x += 32, dy += 32, dx += 32) {
    const a = f32x4.mul(gelu_slope_f32x4(v128.load(x)), v128.load(dy));
    const b = f32x4.mul(gelu_slope_f32x4(v128.load(x, 16)), v128.load(dy, 16));
    const oldA = v128.and(v128.load(dx), keep);
    const oldB = v128.and(v128.load(dx, 16), keep);
    v128.store(dx, f32x4.add(a, oldA));
    v128.store(dx, f32x4.add(b, oldB), 16);
  }
  for (; x < stop; x += 16, dy += 16, dx += 16) {
    const left = stop - x;
    const slope = gelu_slope_f32x4(load_part(x, left, zero));
    const old = v128.and(load_part(dx, left, zero), keep);
    store_part(dx, left, f32x4.add(f32x4.mul(slope, load_part(dy, left, zero)), old));
  }
}
