import { expect_aligned, expect_at_least, expect_beta, expect_indices, expect_range, expect_rows } from "./contract";
import { horizontal_sum, keep_mask, load_part, store_part } from "./lanes";
import { exp2_f32x4, LOG2_E, log_f32x4 } from "./math";
import { row_at } from "./rows";

// Both losses work on logits: −log σ(s) = max(−s, 0) + log(1 + e^−|s|) is finite for every finite s, and so is the slope.

/** The class of a row that takes no part. */
// @ts-ignore: decorator
@inline
const LEFT_OUT: i32 = -2;

/** A logit past the end of a row: that of a class that is absent beyond doubt, whose loss is exactly 0. */
// @ts-ignore: decorator
@inline
const ABSENT: f32 = -1e4;

/** e^−|s| */
// @ts-ignore: decorator
@inline
function decay(s: v128): v128 {
  return exp2_f32x4(f32x4.mul(f32x4.abs(s), f32x4.splat(-LOG2_E)));
}

/** The sign bit of each lane that is not the class: s = x for the class, −x elsewhere. */
// @ts-ignore: decorator
@inline
function signs_of(lanes: v128, label: v128): v128 {
  return v128.andnot(i32x4.splat(i32.MIN_VALUE), i32x4.eq(lanes, label));
}

/**
 * loss[r] = scale · Σ_k a·(1 − p)^γ·(−log p), p = σ(s)          s = x[r, k], a = α for k = class[r]; s = −x[r, k], a = 1 − α elsewhere
 *
 * reads     logits   x f32[rows, cols], row stride ldx
 *           classes  i32[rows]; −1 is none of them, a row of −2 has loss 0
 * writes    loss     f32[rows]
 * requires  cols ≥ 1; classes below cols; γ ≥ 0; finite logits; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     scale·(2e-7·cols + (1e-6 + γ·2e-7) relative)
 */
export function focal_loss_f32(
  rows: i32, cols: i32, logits: usize, ldx: i32, classes: usize, alpha: f32, gamma: f32, scale: f32, loss: usize,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(logits | classes | loss);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  expect_indices(rows, classes, LEFT_OUT, cols);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const fill = f32x4.splat(ABSENT);
  const present = f32x4.splat(alpha);
  const absent = f32x4.splat(1 - alpha);
  const power = f32x4.splat(-gamma * LOG2_E);
  const four = i32x4.splat(4);
  for (let r = begin; r < end; r++) {
    const at = <usize>r << 2;
    const label = load<i32>(classes + at);
    let sum = zero;
    if (label != LEFT_OUT) {
      const labels = i32x4.splat(label);
      let lanes = i32x4(0, 1, 2, 3);
      let x = row_at(logits, r, ldx);
      for (const stop = x + (<usize>cols << 2); x < stop; x += 16) {
        const sign = signs_of(lanes, labels);
        const s = v128.xor(load_part(x, stop - x, fill), sign);
        const tail = log_f32x4(f32x4.add(one, decay(s)));
        const up = f32x4.add(f32x4.pmax(s, zero), tail); //              −log(1 − p)
        const down = f32x4.add(f32x4.pmax(f32x4.neg(s), zero), tail); // −log p
        const a = v128.bitselect(absent, present, i32x4.shr_s(sign, 31));
        sum = f32x4.add(sum, f32x4.mul(f32x4.mul(a, exp2_f32x4(f32x4.mul(up, power))), down));
        lanes = i32x4.add(lanes, four);
      }
    }
    store<f32>(loss + at, scale * horizontal_sum(sum));
  }
}

/**
 * dlogits[r, k] = u · ds/dx · −a·(1 − p)^γ·(γ·p·(−log p) + 1 − p) + β·dlogits[r, k]          u = scale·upstream[0]; the rest as in focal_loss_f32
 *
 * reads     logits    f32[rows, cols], row stride ldx
 *           classes   i32[rows]
 *           upstream  f32[1]: dL / dΣ_r loss[r]
 * writes    dlogits   f32[rows, cols], row stride ldd
 * requires  as focal_loss_f32; β is 0 or 1
 * splits    over rows, anywhere
 * error     u·(2e-7 + (1e-6 + γ·2e-7) relative)
 */
export function focal_loss_grad_f32(
  rows: i32, cols: i32, logits: usize, ldx: i32, classes: usize, alpha: f32, gamma: f32, scale: f32, upstream: usize,
  beta: f32, dlogits: usize, ldd: i32, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(logits | classes | upstream | dlogits);
  expect_at_least(cols, 1);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldd);
  expect_indices(rows, classes, LEFT_OUT, cols);
  expect_beta(beta);
  const u = -scale * load<f32>(upstream);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const present = f32x4.splat(u * alpha);
  const absent = f32x4.splat(u * (1 - alpha));
  const gammas = f32x4.splat(gamma);
  const power = f32x4.splat(-gamma * LOG2_E);
  const keep = keep_mask(beta);
  const four = i32x4.splat(4);
  for (let r = begin; r < end; r++) {
    const label = load<i32>(classes + (<usize>r << 2));
    const labels = i32x4.splat(label);
    const counts = label == LEFT_OUT ? zero : i32x4.splat(-1);
    let lanes = i32x4(0, 1, 2, 3);
    let x = row_at(logits, r, ldx);
    let dx = row_at(dlogits, r, ldd);
    for (const stop = x + (<usize>cols << 2); x < stop; x += 16, dx += 16) {
      const left = stop - x;
      const sign = signs_of(lanes, labels);
      const s = v128.xor(load_part(x, left, zero), sign);
      const e = decay(s);
      const tail = log_f32x4(f32x4.add(one, e));
      const up = f32x4.add(f32x4.pmax(s, zero), tail);
      const down = f32x4.add(f32x4.pmax(f32x4.neg(s), zero), tail);
      const near = f32x4.div(one, f32x4.add(one, e));
      const far = f32x4.mul(e, near);
      const positive = f32x4.ge(s, zero);
      const p = v128.bitselect(near, far, positive);
      const q = v128.bitselect(far, near, positive);
      const slope = f32x4.add(f32x4.mul(f32x4.mul(gammas, p), down), q);
      const a = v128.bitselect(absent, present, i32x4.shr_s(sign, 31));
      const ds = f32x4.mul(f32x4.mul(a, exp2_f32x4(f32x4.mul(up, power))), slope);
      const g = v128.and(v128.xor(ds, sign), counts);
      store_part(dx, left, f32x4.add(g, v128.and(load_part(dx, left, zero), keep)));
      lanes = i32x4.add(lanes, four);
    }
  }
}

/**
 * loss[i] = scale · (−t·log σ(x) − (1 − t)·log(1 − σ(x)))          for x[i] and t[i]
 *
 * reads     logits, targets  x, t f32[n], contiguous
 * writes    loss  f32[n], contiguous
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     scale·(2e-7 + 2e-7·|x|)
 */
export function binary_cross_entropy_f32(
  n: i32, logits: usize, targets: usize, scale: f32, loss: usize, begin: i32, end: i32,
): void {
  expect_range(n, begin, end);
  expect_aligned(logits | targets | loss);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const scales = f32x4.splat(scale);
  const stop = logits + (<usize>end << 2);
  const skip = <usize>begin << 2;
  let t = targets + skip;
  let y = loss + skip;
  for (let x = logits + skip; x < stop; x += 16, t += 16, y += 16) {
    const left = stop - x;
    const s = load_part(x, left, zero);
    const up = f32x4.add(f32x4.pmax(s, zero), log_f32x4(f32x4.add(one, decay(s))));
    store_part(y, left, f32x4.mul(scales, f32x4.sub(up, f32x4.mul(load_part(t, left, zero), s))));
  }
}

/**
 * dlogits[i] = scale·upstream[0] · (σ(x[i]) − t[i]) + β·dlogits[i]
 *
 * reads     logits, targets  x, t f32[n], contiguous
 *           upstream  f32[1]: dL / dΣ_i loss[i]
 * writes    dlogits  f32[n], contiguous
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     5e-7·|scale·upstream|
 */
export function binary_cross_entropy_grad_f32(
  n: i32, logits: usize, targets: usize, scale: f32, upstream: usize, beta: f32, dlogits: usize, begin: i32, end: i32,
): void {
  expect_range(n, begin, end);
  expect_aligned(logits | targets | upstream | dlogits);
  expect_beta(beta);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const u = f32x4.splat(scale * load<f32>(upstream));
  const keep = keep_mask(beta);
  const stop = logits + (<usize>end << 2);
  const skip = <usize>begin << 2;
  let t = targets + skip;
  let dx = dlogits + skip;
  for (let x = logits + skip; x < stop; x += 16, t += 16, dx += 16) {
    const left = stop - x;
    const s = load_part(x, left, zero);
    const e = decay(s);
    const near = f32x4.div(one, f32x4.add(one, e));
    const p = v128.bitselect(near, f32x4.mul(e, near), f32x4.ge(s, zero));
    const g = f32x4.mul(u, f32x4.sub(p, load_part(t, left, zero)));
    store_part(dx, left, f32x4.add(g, v128.and(load_part(dx, left, zero), keep)));
  }
}
