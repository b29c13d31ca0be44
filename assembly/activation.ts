import { expect_aligned, expect_beta, expect_range } from "./contract";
import { keep_mask, load_part, store_part } from "./lanes";
import { gelu_f32x4, gelu_slope_f32x4 } from "./math";

/**
 * y[i] = x[i] · Φ(x[i])          exact GELU; Φ is the standard normal distribution function
 *
 * reads     x  f32[n], contiguous
 * writes    y  f32[n], contiguous; may be x itself
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     at most 7.1e-7, and at most 4.1e-7·|x|
 */
export function gelu_f32(n: i32, x: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(x | y);
  const stop = x + (<usize>end << 2);
  const zero = f32x4.splat(0);
  x += <usize>begin << 2;
  y += <usize>begin << 2;
  // Three vectors at a time load each constant once for all, and no more than that fits the registers.
  for (; x + 48 <= stop; x += 48, y += 48) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const c = v128.load(x, 32);
    const yA = gelu_f32x4(a);
    const yB = gelu_f32x4(b);
    const yC = gelu_f32x4(c);
    v128.store(y, yA);
    v128.store(y, yB, 16);
    v128.store(y, yC, 32);
  }
  for (; x < stop; x += 16, y += 16) {
    const left = stop - x;
    store_part(y, left, gelu_f32x4(load_part(x, left, zero)));
  }
}

/**
 * dx[i] = dy[i] · (Φ(x[i]) + x[i]·φ(x[i])) + β·dx[i]          φ = Φ′
 *
 * reads     x, dy  f32[n], contiguous
 * writes    dx     f32[n], contiguous; may be dy itself
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     at most 3.4e-7·|dy|
 */
export function gelu_grad_f32(n: i32, x: usize, dy: usize, beta: f32, dx: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(x | dy | dx);
  expect_beta(beta);
  const skip = <usize>begin << 2;
  if (beta == 0) gelu_grad_span(end - begin, x + skip, dy + skip, false, dx + skip);
  else gelu_grad_span(end - begin, x + skip, dy + skip, true, dx + skip);
}

// @ts-ignore: decorator
@inline
function gelu_grad_span(n: i32, x: usize, dy: usize, adds: bool, dx: usize): void {
  const stop = x + (<usize>n << 2);
  const zero = f32x4.splat(0);
  for (; x + 32 <= stop; x += 32, dy += 32, dx += 32) {
    let a = f32x4.mul(gelu_slope_f32x4(v128.load(x)), v128.load(dy));
    let b = f32x4.mul(gelu_slope_f32x4(v128.load(x, 16)), v128.load(dy, 16));
    if (adds) {
      a = f32x4.add(a, v128.load(dx));
      b = f32x4.add(b, v128.load(dx, 16));
    }
    v128.store(dx, a);
    v128.store(dx, b, 16);
  }
  for (; x < stop; x += 16, dy += 16, dx += 16) {
    const left = stop - x;
    let a = f32x4.mul(gelu_slope_f32x4(load_part(x, left, zero)), load_part(dy, left, zero));
    if (adds) a = f32x4.add(a, load_part(dx, left, zero));
    store_part(dx, left, a);
  }
}

/**
 * y[i] = max(x[i], 0)          rectified linear unit; NaN stays NaN
 *
 * reads     x  f32[n], contiguous
 * writes    y  f32[n], contiguous; may be x itself
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     none
 */
export function relu_f32(n: i32, x: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(x | y);
  const stop = x + (<usize>end << 2);
  const zero = f32x4.splat(0);
  x += <usize>begin << 2;
  y += <usize>begin << 2;
  for (; x + 32 <= stop; x += 32, y += 32) {
    v128.store(y, f32x4.pmax(v128.load(x), zero));
    v128.store(y, f32x4.pmax(v128.load(x, 16), zero), 16);
  }
  for (; x < stop; x += 16, y += 16) {
    const left = stop - x;
    store_part(y, left, f32x4.pmax(load_part(x, left, zero), zero));
  }
}

/**
 * y[i] = max(a[i] + b[i], 0)          NaN stays NaN
 *
 * reads     a, b  f32[n], contiguous
 * writes    y     f32[n], contiguous; may be a or b itself
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     one rounding
 */
export function add_relu_f32(n: i32, a: usize, b: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(a | b | y);
  const stop = a + (<usize>end << 2);
  const zero = f32x4.splat(0);
  a += <usize>begin << 2;
  b += <usize>begin << 2;
  y += <usize>begin << 2;
  for (; a + 32 <= stop; a += 32, b += 32, y += 32) {
    v128.store(y, f32x4.pmax(f32x4.add(v128.load(a), v128.load(b)), zero));
    v128.store(y, f32x4.pmax(f32x4.add(v128.load(a, 16), v128.load(b, 16)), zero), 16);
  }
  for (; a < stop; a += 16, b += 16, y += 16) {
    const left = stop - a;
    store_part(y, left, f32x4.pmax(f32x4.add(load_part(a, left, zero), load_part(b, left, zero)), zero));
  }
}

/**
 * dx[i] = (y[i] > 0 ? dy[i] : 0) + β·dx[i]          y is what relu_f32 or add_relu_f32 gave; its NaN lets dy pass
 *
 * reads     y, dy  f32[n], contiguous
 * writes    dx     f32[n], contiguous; may be dy itself
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     one rounding if β is 1, else none
 */
export function relu_grad_f32(n: i32, y: usize, dy: usize, beta: f32, dx: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(y | dy | dx);
  expect_beta(beta);
  const stop = y + (<usize>end << 2);
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  y += <usize>begin << 2;
  dy += <usize>begin << 2;
  dx += <usize>begin << 2;
  for (; y + 16 <= stop; y += 16, dy += 16, dx += 16) {
    const g = v128.andnot(v128.load(dy), f32x4.le(v128.load(y), zero));
    v128.store(dx, f32x4.add(g, v128.and(v128.load(dx), keep)));
  }
  if (y < stop) {
    const left = stop - y;
    const g = v128.andnot(load_part(dy, left, zero), f32x4.le(load_part(y, left, zero), zero));
    store_part(dx, left, f32x4.add(g, v128.and(load_part(dx, left, zero), keep)));
  }
}
