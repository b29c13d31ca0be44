import { expect_aligned, expect_none_negative, expect_positive, expect_range } from "./contract";

// Loops over splats test their condition last: V8 moves a splat into a loop whose condition stands first, and makes it anew
// in every round.

/** Numbers that AdamW has moved before a teacher follows them, few enough to be in the nearest cache still. */
// @ts-ignore: decorator
@inline
const BLOCK: i32 = 1024;

/**
 * One AdamW update with decoupled weight decay (Loshchilov, Hutter, "Decoupled weight decay regularization", 2019):
 *   g ← s·g;  m ← m + (1 − β₁)(g − m);  v ← v + (1 − β₂)(g² − v);  p ← p − decay·p − step · m / (√v · r + ε)
 * with s = grad_scale, decay = learning rate · weight decay, step = learning rate / (1 − β₁ᵗ), r = 1/√(1 − β₂ᵗ).
 * Then a teacher, if there is one, follows the moved weights as in ema_f32: t ← t + (1 − momentum)(p − t).
 * The complements 1 − β arrive as such: taken from a β rounded to f32, 1 − 0.999 would be off by 1e-5.
 *
 * reads     g  f32[n], contiguous
 * writes    p, m, v  f32[n], contiguous, in place; t  f32[n] likewise, or 0 for none
 * requires  0 ≤ begin ≤ end ≤ n; v ≥ 0; ε > 0
 * splits    over n, anywhere
 * error     one rounding per operation
 */
export function adamw_f32(
  n: i32, p: usize, g: usize, m: usize, v: usize, decay: f32, step: f32, one_minus_beta1: f32, one_minus_beta2: f32,
  eps: f32, inverse_root_bias2: f32, grad_scale: f32, t: usize, one_minus_momentum: f32, begin: i32, end: i32,
): void {
  expect_range(n, begin, end);
  expect_aligned(p | g | m | v | t);
  expect_none_negative(n, v);
  expect_positive(eps);
  const size = t == 0 ? end - begin : BLOCK;
  for (let first = begin; first < end; first += size) {
    const count = min(size, end - first);
    const skip = <usize>first << 2;
    adamw_span(
      count, p + skip, g + skip, m + skip, v + skip, decay, step, one_minus_beta1, one_minus_beta2, eps,
      inverse_root_bias2, grad_scale,
    );
    if (t != 0) ema_span(count, one_minus_momentum, p + skip, t + skip);
  }
}

function adamw_span(
  n: i32, p: usize, g: usize, m: usize, v: usize, decay: f32, step: f32, one_minus_beta1: f32, one_minus_beta2: f32,
  eps: f32, inverse_root_bias2: f32, grad_scale: f32,
): void {
  const stop = p + (<usize>n << 2);
  const decays = f32x4.splat(decay);
  const steps = f32x4.splat(step);
  const rates1 = f32x4.splat(one_minus_beta1);
  const rates2 = f32x4.splat(one_minus_beta2);
  const floors = f32x4.splat(eps);
  const roots = f32x4.splat(inverse_root_bias2);
  const scales = f32x4.splat(grad_scale);
  if (p + 16 <= stop) {
    do {
      const gradient = f32x4.mul(scales, v128.load(g));
      const m0 = v128.load(m);
      const v0 = v128.load(v);
      const m1 = f32x4.add(m0, f32x4.mul(rates1, f32x4.sub(gradient, m0)));
      const v1 = f32x4.add(v0, f32x4.mul(rates2, f32x4.sub(f32x4.mul(gradient, gradient), v0)));
      v128.store(m, m1);
      v128.store(v, v1);
      const update = f32x4.div(f32x4.mul(steps, m1), f32x4.add(f32x4.mul(f32x4.sqrt(v1), roots), floors));
      const p0 = v128.load(p);
      v128.store(p, f32x4.sub(f32x4.sub(p0, f32x4.mul(decays, p0)), update));
      p += 16;
      g += 16;
      m += 16;
      v += 16;
    } while (p + 16 <= stop);
  }
  for (; p < stop; p += 4, g += 4, m += 4, v += 4) {
    const gradient = grad_scale * load<f32>(g);
    const m0 = load<f32>(m);
    const v0 = load<f32>(v);
    const m1 = m0 + one_minus_beta1 * (gradient - m0);
    const v1 = v0 + one_minus_beta2 * (gradient * gradient - v0);
    store<f32>(m, m1);
    store<f32>(v, v1);
    const update = (step * m1) / (sqrt<f32>(v1) * inverse_root_bias2 + eps);
    const p0 = load<f32>(p);
    store<f32>(p, p0 - decay * p0 - update);
  }
}

/**
 * One step of gradient descent with momentum: g ← s·g + weight_decay·p;  buffer ← momentum·buffer + g;  p ← p − lr·buffer
 *
 * reads     g  f32[n], contiguous
 * writes    p, buffer  f32[n], contiguous, in place
 * requires  0 ≤ begin ≤ end ≤ n; buffer is zero before the first step
 * splits    over n, anywhere
 * error     one rounding per operation
 */
export function sgd_f32(
  n: i32, p: usize, g: usize, buffer: usize, lr: f32, momentum: f32, weight_decay: f32, grad_scale: f32,
  begin: i32, end: i32,
): void {
  expect_range(n, begin, end);
  expect_aligned(p | g | buffer);
  const skip = <usize>begin << 2;
  const stop = p + (<usize>end << 2);
  p += skip;
  g += skip;
  buffer += skip;
  const rates = f32x4.splat(lr);
  const momenta = f32x4.splat(momentum);
  const decays = f32x4.splat(weight_decay);
  const scales = f32x4.splat(grad_scale);
  if (p + 16 <= stop) {
    do {
      const p0 = v128.load(p);
      const gradient = f32x4.add(f32x4.mul(scales, v128.load(g)), f32x4.mul(decays, p0));
      const velocity = f32x4.add(f32x4.mul(momenta, v128.load(buffer)), gradient);
      v128.store(buffer, velocity);
      v128.store(p, f32x4.sub(p0, f32x4.mul(rates, velocity)));
      p += 16;
      g += 16;
      buffer += 16;
    } while (p + 16 <= stop);
  }
  for (; p < stop; p += 4, g += 4, buffer += 4) {
    const p0 = load<f32>(p);
    const velocity = momentum * load<f32>(buffer) + (grad_scale * load<f32>(g) + weight_decay * p0);
    store<f32>(buffer, velocity);
    store<f32>(p, p0 - lr * velocity);
  }
}

/**
 * t[i] ← t[i] + (1 − m)(s[i] − t[i])          moving average of momentum m; the complement arrives as such
 *
 * reads     s  f32[n], contiguous
 * writes    t  f32[n], contiguous, in place
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     three roundings
 */
export function ema_f32(n: i32, one_minus_momentum: f32, s: usize, t: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(s | t);
  const skip = <usize>begin << 2;
  ema_span(end - begin, one_minus_momentum, s + skip, t + skip);
}

function ema_span(n: i32, one_minus_momentum: f32, s: usize, t: usize): void {
  const stop = t + (<usize>n << 2);
  const rates = f32x4.splat(one_minus_momentum);
  if (t + 16 <= stop) {
    do {
      const t0 = v128.load(t);
      v128.store(t, f32x4.add(t0, f32x4.mul(rates, f32x4.sub(v128.load(s), t0))));
      s += 16;
      t += 16;
    } while (t + 16 <= stop);
  }
  for (; t < stop; s += 4, t += 4) {
    const t0 = load<f32>(t);
    store<f32>(t, t0 + one_minus_momentum * (load<f32>(s) - t0));
  }
}
