// The softmax of attention on scores that lie four independent queries to a vector, key after key: half a panel of
// attention_tile.ts, or a row of attention_items.ts. It runs down the keys, one query to a lane, without a horizontal
// step or a tail. Scores come times log₂(e), so that probabilities are powers of two, which saves a product for each.
import { constant, Entry } from "./constants";
import { horizontal_sum, madd } from "./lanes";
import { log_f32x4 } from "./math";

// @ts-ignore: decorator
@inline
export const LN_2: f32 = 0.6931471805599453;

/** Up to this size a whole number is subtracted from the magic one exactly. */
// @ts-ignore: decorator
@inline
const LARGE: f32 = 2097152;

/**
 * 2^(t − shift), as exp2_f32x4, with the constants in locals: V8 keeps those in registers over a loop.
 *
 * The shift is a whole number that magic has lost and lowest has gained, so that it costs nothing.
 */
// @ts-ignore: decorator
@inline
function power(
  t: v128, lowest: v128, magic: v128, one: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128,
): v128 {
  t = f32x4.pmax(t, lowest);
  const shifted = f32x4.add(t, magic);
  const f = f32x4.sub(t, f32x4.sub(shifted, magic));
  const f2 = f32x4.mul(f, f);
  const d = madd(c4, c5, f);
  const b = madd(madd(c2, c3, f), d, f2);
  const p = madd(madd(one, c1, f), b, f2);
  return f32x4.mul(p, i32x4.shl(shifted, 23));
}

/**
 * s[j] ← 2^(s[j] − n), inverse = 1 / Σ_j of that, logs = ln Σ_j 2^s[j], for each strip, whose j are stepBytes apart
 *
 * n is the largest s[j] rounded up, which keeps the sum within [½, tokens]. Beyond 2²¹ the magic number less n might
 * round; there the largest is subtracted beforehand. Two steps to a turn gain 7 %.
 */
export function exponentiate(
  tokens: i32, strips: i32, s: usize, stripBytes: usize, stepBytes: usize, inverse: usize, logs: usize,
): void {
  const one = constant(Entry.ONE);
  const c1 = constant(Entry.EXP2_C1), c2 = constant(Entry.EXP2_C2), c3 = constant(Entry.EXP2_C3);
  const c4 = constant(Entry.EXP2_C4), c5 = constant(Entry.EXP2_C5);
  for (; strips > 0; strips--, s += stripBytes, inverse += 16, logs += 16) {
    const stop = s + <usize>tokens * stepBytes;
    const top = largest(tokens, s, stepBytes);
    let shift = f32x4.ceil(top);
    let base = shift;
    if (v128.any_true(f32x4.gt(f32x4.abs(top), f32x4.splat(LARGE)))) {
      for (let at = s; at < stop; at += stepBytes) v128.store(at, f32x4.sub(v128.load(at), top));
      base = top;
      shift = f32x4.splat(0);
    }
    const lowest = f32x4.add(constant(Entry.EXP2_LOWEST), shift);
    const magic = f32x4.sub(constant(Entry.EXP2_MAGIC), shift);
    let sum = f32x4.splat(0);
    let at = s;
    for (const pairs = s + <usize>(tokens & ~1) * stepBytes; at < pairs; at += stepBytes << 1) {
      const next = at + stepBytes;
      const p0 = power(v128.load(at), lowest, magic, one, c1, c2, c3, c4, c5);
      const p1 = power(v128.load(next), lowest, magic, one, c1, c2, c3, c4, c5);
      v128.store(at, p0), v128.store(next, p1);
      sum = f32x4.add(f32x4.add(sum, p0), p1);
    }
    if (at < stop) {
      const p = power(v128.load(at), lowest, magic, one, c1, c2, c3, c4, c5);
      v128.store(at, p);
      sum = f32x4.add(sum, p);
    }
    v128.store(inverse, f32x4.div(one, sum));
    v128.store(logs, f32x4.add(f32x4.mul(base, f32x4.splat(LN_2)), log_f32x4(sum)));
  }
}

/** max_j s[j] in each lane */
// @ts-ignore: decorator
@inline
function largest(tokens: i32, s: usize, stepBytes: usize): v128 {
  const last = s + <usize>(tokens - 1) * stepBytes;
  let top = v128.load(last);
  let top1 = top;
  for (; s < last; s += stepBytes << 1) {
    top = f32x4.pmax(top, v128.load(s));
    top1 = f32x4.pmax(top1, v128.load(s + stepBytes));
  }
  return f32x4.pmax(top, top1);
}

/** s[j] ← P = 2^(s[j] − logs) and ds[j] ← P·ds[j], for each strip. */
export function differentiate(tokens: i32, strips: i32, s: usize, ds: usize, stripBytes: usize, logs: usize): void {
  const one = constant(Entry.ONE), lowest = constant(Entry.EXP2_LOWEST), magic = constant(Entry.EXP2_MAGIC);
  const c1 = constant(Entry.EXP2_C1), c2 = constant(Entry.EXP2_C2), c3 = constant(Entry.EXP2_C3);
  const c4 = constant(Entry.EXP2_C4), c5 = constant(Entry.EXP2_C5);
  for (; strips > 0; strips--, s += stripBytes, ds += stripBytes, logs += 16) {
    const log = v128.load(logs);
    for (let at: usize = 0, stop = <usize>tokens << 4; at < stop; at += 16) {
      const p = power(f32x4.sub(v128.load(s + at), log), lowest, magic, one, c1, c2, c3, c4, c5);
      v128.store(s + at, p);
      v128.store(ds + at, f32x4.mul(p, v128.load(ds + at)));
    }
  }
}

/** As differentiate, for panels of eight keys in which the rows of four queries follow one another; logs one to a query. */
export function differentiate_rows(panels: i32, s: usize, ds: usize, panelBytes: usize, logs: usize): void {
  const one = constant(Entry.ONE), lowest = constant(Entry.EXP2_LOWEST), magic = constant(Entry.EXP2_MAGIC);
  const c1 = constant(Entry.EXP2_C1), c2 = constant(Entry.EXP2_C2), c3 = constant(Entry.EXP2_C3);
  const c4 = constant(Entry.EXP2_C4), c5 = constant(Entry.EXP2_C5);
  for (let row = 0; row < 4; row++, s += 32, ds += 32, logs += 4) {
    const log = v128.load32_splat(logs);
    for (let at: usize = 0, stop = <usize>panels * panelBytes; at < stop; at += panelBytes) {
      const p0 = power(f32x4.sub(v128.load(s + at), log), lowest, magic, one, c1, c2, c3, c4, c5);
      const p1 = power(f32x4.sub(v128.load(s + at, 16), log), lowest, magic, one, c1, c2, c3, c4, c5);
      v128.store(s + at, p0), v128.store(s + at, p1, 16);
      v128.store(ds + at, f32x4.mul(p0, v128.load(ds + at)));
      v128.store(ds + at, f32x4.mul(p1, v128.load(ds + at, 16)), 16);
    }
  }
}

/** dots[r] = factor · Σ_c a[r, c]·b[r, c], the next of them dotBytes on */
export function row_dots(
  rows: i32, dim: i32, factor: f32, a: usize, b: usize, pitch: usize, dots: usize, dotBytes: usize,
): void {
  const whole = <usize>(dim & ~3) << 2;
  const stop = <usize>dim << 2;
  for (; rows > 0; rows--, a += pitch, b += pitch, dots += dotBytes) {
    let sums = f32x4.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) sums = f32x4.add(sums, f32x4.mul(v128.load(a + at), v128.load(b + at)));
    let sum = horizontal_sum(sums);
    for (; at < stop; at += 4) sum += load<f32>(a + at) * load<f32>(b + at);
    store<f32>(dots, factor * sum);
  }
}
