// Elementary functions on four lanes. A lane's result depends on that lane alone, so a tail computed through a
// part-filled vector has the same bits as the body. NaN goes in, NaN comes out. Errors are the largest that a sweep over
// the stated range found against double precision.
//
// Polynomials are summed in pairs (Estrin), not nested (Horner): the shorter chain keeps more vectors in flight.
import { constant, Entry } from "./constants";
import { madd } from "./lanes";

/** e^x is 2^(x·log₂ e): a logit is multiplied by log₂(e)/τ at once. */
// @ts-ignore: decorator
@inline
export const LOG2_E: f32 = 1.4426950408889634;

/**
 * 2^t for t < 127.5; 0 below −126.5.
 *
 * t = n + f with n whole and |f| ≤ ½. Adding 1.5·2²³ + 127 rounds t and leaves n + 127, the biased exponent of 2^n, in
 * the low bits. Relative error 2.5e-7.
 */
// @ts-ignore: decorator
@inline
export function exp2_f32x4(t: v128): v128 {
  t = f32x4.pmax(t, constant(Entry.EXP2_LOWEST));
  const shifted = f32x4.add(t, constant(Entry.EXP2_MAGIC));
  const f = f32x4.sub(t, f32x4.sub(shifted, constant(Entry.EXP2_MAGIC)));
  const f2 = f32x4.mul(f, f);
  const f4 = f32x4.mul(f2, f2);
  const a = madd(constant(Entry.ONE), constant(Entry.EXP2_C1), f);
  const b = madd(constant(Entry.EXP2_C2), constant(Entry.EXP2_C3), f);
  const c = madd(constant(Entry.EXP2_C4), constant(Entry.EXP2_C5), f);
  const p = madd(madd(a, b, f2), c, f4);
  return f32x4.mul(p, i32x4.shl(shifted, 23));
}

/**
 * log(x) for normal x; −∞ at 0, NaN below 0; subnormal x counts as 2⁻¹²⁶.
 *
 * x = 2^n·(1 + f) with √½ ≤ 1 + f < √2; log(1 + f) = f − f²/2 + f³·(C0 + C1·f + …); n·ln 2 is added in two parts of
 * which the first is exact. Relative error 9e-8.
 */
// @ts-ignore: decorator
@inline
export function log_f32x4(x: v128): v128 {
  const sqrtHalf = constant(Entry.LOG_SQRT_HALF);
  const mantissa = constant(Entry.LOG_MANTISSA);
  const bits = i32x4.sub(f32x4.pmax(x, i32x4.splat(0x00800000)), sqrtHalf);
  const n = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
  const f = f32x4.sub(i32x4.add(v128.and(bits, mantissa), sqrtHalf), constant(Entry.ONE));
  const f2 = f32x4.mul(f, f);
  const f4 = f32x4.mul(f2, f2);
  const a = madd(constant(Entry.LOG_C0), constant(Entry.LOG_C1), f);
  const b = madd(constant(Entry.LOG_C2), constant(Entry.LOG_C3), f);
  const c = madd(constant(Entry.LOG_C4), constant(Entry.LOG_C5), f);
  const d = madd(constant(Entry.LOG_C6), constant(Entry.LOG_C7), f);
  const p = madd(madd(a, b, f2), madd(c, d, f2), f4);
  let y = madd(f32x4.mul(f32x4.mul(f, f2), p), n, constant(Entry.LOG_LN2_LOW));
  y = f32x4.add(f32x4.sub(y, f32x4.mul(constant(Entry.HALF), f2)), f);
  y = madd(y, n, constant(Entry.LOG_LN2_HIGH));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
  y = v128.bitselect(f32x4.splat(Infinity), y, f32x4.eq(x, f32x4.splat(Infinity)));
  return v128.bitselect(y, f32x4.splat(NaN), f32x4.ge(x, f32x4.splat(0)));
}

/** log(x), the bits of a lane of log_f32x4. */
// @ts-ignore: decorator
@inline
export function log_f32(x: f32): f32 {
  return f32x4.extract_lane(log_f32x4(f32x4.splat(x)), 0);
}

/**
 * x·Φ(x), the exact GELU; Φ is the standard normal distribution function. Error at most 7.1e-7, and at most 4.1e-7·|x|. An
 * infinite x gives NaN.
 *
 * With u = |x| it is max(x, 0) − u·(1 − Φ(u)), and 1 − Φ(u) = ½·erfc(u/√2) is q(u)⁻⁴ for a polynomial q that is smooth and
 * grows without bound: no range has to be cut off (the form is that of Abramowitz and Stegun, 7.1.28). The terms of q go in
 * pairs whose sums are positive for large u, so that none becomes the difference of two infinities.
 */
// @ts-ignore: decorator
@inline
export function gelu_f32x4(x: v128): v128 {
  const u = v128.and(x, constant(Entry.MAGNITUDE));
  const u2 = f32x4.mul(x, x);
  let q = pair(Entry.GELU_Q8, u);
  q = madd(pair(Entry.GELU_Q6, u), q, u2);
  q = madd(pair(Entry.GELU_Q4, u), q, u2);
  q = madd(pair(Entry.GELU_Q2, u), q, u2);
  q = madd(pair(Entry.GELU_Q0, u), q, u2);
  const q2 = f32x4.mul(q, q);
  return f32x4.sub(f32x4.pmax(x, f32x4.splat(0)), f32x4.div(u, f32x4.mul(q2, q2)));
}

/** c + d·u for a constant c and the one after it, d. */
// @ts-ignore: decorator
@inline
function pair(c: i32, u: v128): v128 {
  return madd(constant(c), constant(c + 1), u);
}

/**
 * (x·Φ(x))′ = Φ(x) + x·Φ′(x); exactly 0 below −5.8 and 1 above 5.8. Absolute error 3.4e-7.
 *
 * It runs from 0 to 1 and is odd about (0, ½): ½ + x·P(x²) / Q(x²). Products and sums are rounded apart in every build:
 * fused ones miss 0 and 1 at the ends.
 */
// @ts-ignore: decorator
@inline
export function gelu_slope_f32x4(x: v128): v128 {
  const z = f32x4.pmax(f32x4.pmin(x, constant(Entry.SLOPE_HIGHEST)), constant(Entry.SLOPE_LOWEST));
  const s = f32x4.mul(z, z);
  const s2 = f32x4.mul(s, s);
  const pEven = f32x4.add(f32x4.mul(constant(Entry.SLOPE_P4), s2), constant(Entry.SLOPE_P2));
  const pOdd = f32x4.add(f32x4.mul(constant(Entry.SLOPE_P5), s2), constant(Entry.SLOPE_P3));
  const qEven = f32x4.add(f32x4.mul(constant(Entry.SLOPE_Q4), s2), constant(Entry.SLOPE_Q2));
  const qOdd = f32x4.add(s2, constant(Entry.SLOPE_Q3));
  const p0 = f32x4.add(f32x4.mul(pEven, s2), constant(Entry.SLOPE_P0));
  const p1 = f32x4.add(f32x4.mul(pOdd, s2), constant(Entry.SLOPE_P1));
  const q0 = f32x4.add(f32x4.mul(qEven, s2), constant(Entry.SLOPE_Q0));
  const q1 = f32x4.add(f32x4.mul(qOdd, s2), constant(Entry.SLOPE_Q1));
  const p = f32x4.add(p0, f32x4.mul(p1, s));
  const q = f32x4.add(q0, f32x4.mul(q1, s));
  return f32x4.add(f32x4.div(f32x4.mul(p, z), q), constant(Entry.HALF));
}
