// Passes over one row that several row kernels share. A row has at least one number and is given as the address of its
// first byte and that past its last.
//
// Loops that use a value computed before them test their condition last. V8 moves such a value into a loop whose
// condition stands first, and computes it anew in every round, be it a division or a logarithm.
import { add_square, horizontal_max, horizontal_sum, load_part, store_part } from "./lanes";
import { exp2_f32x4 } from "./math";

/** A number below any logit, yet finite, so that its product with a zero is zero. */
// @ts-ignore: decorator
@inline
export const FAR_BELOW: f32 = -1.5e38;

/** Address of row i of a matrix whose rows are `ld` elements apart. */
// @ts-ignore: decorator
@inline
export function row_at(base: usize, i: i32, ld: i32): usize {
  return base + ((<usize>i * <usize>ld) << 2);
}

/** max x; NaN is passed over, a later pass meets it again. */
export function row_max(x: usize, stop: usize): f32 {
  const lowest = f32x4.splat(-Infinity);
  let m0 = lowest;
  let m1 = lowest;
  let m2 = lowest;
  let m3 = lowest;
  for (; x + 64 <= stop; x += 64) {
    m0 = f32x4.pmax(m0, v128.load(x));
    m1 = f32x4.pmax(m1, v128.load(x, 16));
    m2 = f32x4.pmax(m2, v128.load(x, 32));
    m3 = f32x4.pmax(m3, v128.load(x, 48));
  }
  for (; x < stop; x += 16) m0 = f32x4.pmax(m0, load_part(x, stop - x, lowest));
  return horizontal_max(f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3)));
}

/** Σ x */
export function row_sum(x: usize, stop: usize): f32 {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  for (; x + 64 <= stop; x += 64) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
  }
  for (; x < stop; x += 16) s0 = f32x4.add(s0, load_part(x, stop - x, zero));
  return horizontal_sum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** Σ x² */
export function row_squares(x: usize, stop: usize): f32 {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  for (; x + 64 <= stop; x += 64) {
    s0 = add_square(s0, v128.load(x));
    s1 = add_square(s1, v128.load(x, 16));
    s2 = add_square(s2, v128.load(x, 32));
    s3 = add_square(s3, v128.load(x, 48));
  }
  for (; x < stop; x += 16) s0 = add_square(s0, load_part(x, stop - x, zero));
  return horizontal_sum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** Σ x·y */
export function row_dot(x: usize, stop: usize, y: usize): f32 {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  for (; x + 64 <= stop; x += 64, y += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x), v128.load(y)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(x, 16), v128.load(y, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(x, 32), v128.load(y, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(x, 48), v128.load(y, 48)));
  }
  for (; x < stop; x += 16, y += 16) {
    const left = stop - x;
    s0 = f32x4.add(s0, f32x4.mul(load_part(x, left, zero), load_part(y, left, zero)));
  }
  return horizontal_sum(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** y = a·x; y may be x. */
export function row_scale(x: usize, stop: usize, a: f32, y: usize): void {
  const zero = f32x4.splat(0);
  const factor = f32x4.splat(a);
  if (x + 32 <= stop) {
    do {
      v128.store(y, f32x4.mul(v128.load(x), factor));
      v128.store(y, f32x4.mul(v128.load(x, 16), factor), 16);
      x += 32;
      y += 32;
    } while (x + 32 <= stop);
  }
  for (; x < stop; x += 16, y += 16) {
    const left = stop - x;
    store_part(y, left, f32x4.mul(load_part(x, left, zero), factor));
  }
}

/** Σ 2^((x − top)·k). Two vectors at a time load each constant once for both. */
export function row_exp_sum(x: usize, stop: usize, top: f32, k: f32): f32 {
  const shift = f32x4.splat(top);
  const scale = f32x4.splat(k);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  if (x + 32 <= stop) {
    do {
      s0 = f32x4.add(s0, exp2_f32x4(f32x4.mul(f32x4.sub(v128.load(x), shift), scale)));
      s1 = f32x4.add(s1, exp2_f32x4(f32x4.mul(f32x4.sub(v128.load(x, 16), shift), scale)));
      x += 32;
    } while (x + 32 <= stop);
  }
  const below = f32x4.splat(FAR_BELOW);
  for (; x < stop; x += 16) {
    s0 = f32x4.add(s0, exp2_f32x4(f32x4.mul(f32x4.sub(load_part(x, stop - x, below), shift), scale)));
  }
  return horizontal_sum(f32x4.add(s0, s1));
}
