// Moves over one contiguous run of n numbers, shared by the kernels that copy, gather and add whole rows. Sixteen numbers,
// one cache line, per turn of the main loop; then vectors, then single numbers. Each element is computed by the same
// operations in every part of the loop, so results do not depend on where a run begins or ends.

/** y[i] = x[i] */
export function copy_span(n: i32, x: usize, y: usize): void {
  const stop = y + ((<usize>n) << 2);
  for (const lines = y + ((<usize>(n & ~15)) << 2); y < lines; x += 64, y += 64) {
    v128.store(y, v128.load(x));
    v128.store(y, v128.load(x, 16), 16);
    v128.store(y, v128.load(x, 32), 32);
    v128.store(y, v128.load(x, 48), 48);
  }
  for (; y + 16 <= stop; x += 16, y += 16) v128.store(y, v128.load(x));
  for (; y < stop; x += 4, y += 4) store<i32>(y, load<i32>(x));
}

/** y[i] = a[i] + b[i] */
export function add_span(n: i32, a: usize, b: usize, y: usize): void {
  const stop = y + ((<usize>n) << 2);
  for (const lines = y + ((<usize>(n & ~15)) << 2); y < lines; a += 64, b += 64, y += 64) {
    v128.store(y, f32x4.add(v128.load(a), v128.load(b)));
    v128.store(y, f32x4.add(v128.load(a, 16), v128.load(b, 16)), 16);
    v128.store(y, f32x4.add(v128.load(a, 32), v128.load(b, 32)), 32);
    v128.store(y, f32x4.add(v128.load(a, 48), v128.load(b, 48)), 48);
  }
  for (; y + 16 <= stop; a += 16, b += 16, y += 16) v128.store(y, f32x4.add(v128.load(a), v128.load(b)));
  for (; y < stop; a += 4, b += 4, y += 4) store<f32>(y, load<f32>(a) + load<f32>(b));
}

/** y[i] = x[i] + β·y[i] for β 0 or 1 */
// @ts-ignore: decorator
@inline
export function move_span(n: i32, x: usize, beta: f32, y: usize): void {
  if (beta == 0) copy_span(n, x, y);
  else add_span(n, x, y, y);
}

/** y[i] = value */
export function fill_span(n: i32, value: f32, y: usize): void {
  const stop = y + ((<usize>n) << 2);
  const values = f32x4.splat(value);
  for (const lines = y + ((<usize>(n & ~15)) << 2); y < lines; y += 64) {
    v128.store(y, values);
    v128.store(y, values, 16);
    v128.store(y, values, 32);
    v128.store(y, values, 48);
  }
  for (; y + 16 <= stop; y += 16) v128.store(y, values);
  for (; y < stop; y += 4) store<f32>(y, value);
}

/** y[i] = α·x[i] */
export function scale_span(n: i32, alpha: f32, x: usize, y: usize): void {
  const stop = y + ((<usize>n) << 2);
  const alphas = f32x4.splat(alpha);
  for (const lines = y + ((<usize>(n & ~15)) << 2); y < lines; x += 64, y += 64) {
    v128.store(y, f32x4.mul(alphas, v128.load(x)));
    v128.store(y, f32x4.mul(alphas, v128.load(x, 16)), 16);
    v128.store(y, f32x4.mul(alphas, v128.load(x, 32)), 32);
    v128.store(y, f32x4.mul(alphas, v128.load(x, 48)), 48);
  }
  for (; y + 16 <= stop; x += 16, y += 16) v128.store(y, f32x4.mul(alphas, v128.load(x)));
  for (; y < stop; x += 4, y += 4) store<f32>(y, alpha * load<f32>(x));
}

/** a + α·x, rounded twice in every build: a number must not depend on whether it stands in a vector or in the tail. */
// @ts-ignore: decorator
@inline
function plus_scaled(a: v128, alphas: v128, x: v128): v128 {
  return f32x4.add(a, f32x4.mul(alphas, x));
}

/** y[i] = α·x[i] + a[i] */
export function add_scaled_span(n: i32, alpha: f32, x: usize, a: usize, y: usize): void {
  const stop = y + ((<usize>n) << 2);
  const alphas = f32x4.splat(alpha);
  for (const lines = y + ((<usize>(n & ~15)) << 2); y < lines; x += 64, a += 64, y += 64) {
    v128.store(y, plus_scaled(v128.load(a), alphas, v128.load(x)));
    v128.store(y, plus_scaled(v128.load(a, 16), alphas, v128.load(x, 16)), 16);
    v128.store(y, plus_scaled(v128.load(a, 32), alphas, v128.load(x, 32)), 32);
    v128.store(y, plus_scaled(v128.load(a, 48), alphas, v128.load(x, 48)), 48);
  }
  for (; y + 16 <= stop; x += 16, a += 16, y += 16) v128.store(y, plus_scaled(v128.load(a), alphas, v128.load(x)));
  for (; y < stop; x += 4, a += 4, y += 4) store<f32>(y, alpha * load<f32>(x) + load<f32>(a));
}
