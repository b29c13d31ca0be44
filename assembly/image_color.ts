import { expect_aligned, expect_byte, expect_range, expect_sizes } from "./contract";
import { blue_lanes, clip_byte, green_lanes, interleave, luma_lanes, narrow_bytes, red_lanes, store_pixels } from "./pixels";

// Colour operations on dense byte images u8[rows, cols, channels]; each may work in place. Where a kernel says "spare
// bytes", up to sixteen bytes after the last pixel are read and ignored.
//
// Blending is d + f·(s − d) in single precision, cut to an integer and clipped to 0…255. At factor 0 the image degenerates
// to d, f > 1 extrapolates.

/** d + f·(s − d) of bytes s, as integers that may lie outside 0…255. */
// @ts-ignore: decorator
@inline
function blend(d: v128, f: v128, s: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.add(d, f32x4.mul(f, f32x4.sub(f32x4.convert_i32x4_s(s), d))));
}

/** Blends `count` bytes with the constant d. */
function blend_span(count: i32, src: usize, d: f32, f: f32, dst: usize): void {
  const dd = f32x4.splat(d);
  const ff = f32x4.splat(f);
  const stop = dst + count;
  for (; dst + 16 <= stop; src += 16, dst += 16) {
    const bytes = v128.load(src);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    const a = blend(dd, ff, i32x4.extend_low_i16x8_u(low));
    const b = blend(dd, ff, i32x4.extend_high_i16x8_u(low));
    const c = blend(dd, ff, i32x4.extend_low_i16x8_u(high));
    const e = blend(dd, ff, i32x4.extend_high_i16x8_u(high));
    v128.store(dst, narrow_bytes(a, b, c, e));
  }
  for (; dst < stop; src++, dst++) {
    const value = <i32>(d + f * (<f32>load<u8>(src) - d));
    store<u8>(dst, <u8>clip_byte(value));
  }
}

/**
 * y = clip(f·s)
 *
 * reads     src u8[rows, row_bytes], dense
 * writes    dst u8[rows, row_bytes], dense; may be src itself
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: single precision, cut to an integer
 */
export function brightness_u8(
  rows: i32,
  row_bytes: i32,
  src: usize,
  factor: f32,
  dst: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(row_bytes);
  const skip = <usize>begin * row_bytes;
  blend_span((end - begin) * row_bytes, src + skip, 0, factor, dst + skip);
}

/**
 * sums[r] = Σ_x luma(s[r, x]), luma = (19595 R + 38470 G + 7471 B + 2^15) >> 16; a single channel is its own luma
 *
 * reads     src u8[rows, cols, channels], dense, spare bytes
 * writes    sums i32[rows]
 * requires  channels 1 or 3; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: integers
 */
export function luma_sums_u8(rows: i32, cols: i32, channels: i32, src: usize, sums: usize, begin: i32, end: i32): void {
  expect_range(rows, begin, end);
  expect_sizes(cols);
  expect_aligned(sums);
  assert(channels == 1 || channels == 3);
  for (let row = begin; row < end; row++) {
    const from = src + <usize>row * cols * channels;
    store<i32>(sums + (<usize>row << 2), channels == 3 ? luma_sum(cols, from) : byte_sum(cols, from));
  }
}

function luma_sum(cols: i32, src: usize): i32 {
  let lanes = i32x4.splat(0);
  for (const stop = src + 3 * <usize>(cols & ~3); src < stop; src += 12) {
    lanes = i32x4.add(lanes, luma_of(v128.load(src)));
  }
  let sum = sum_lanes(lanes);
  const rest = cols & 3;
  if (rest == 0) return sum;
  const last = luma_of(v128.load(src));
  sum += i32x4.extract_lane(last, 0);
  if (rest > 1) sum += i32x4.extract_lane(last, 1);
  if (rest > 2) sum += i32x4.extract_lane(last, 2);
  return sum;
}

// @ts-ignore: decorator
@inline
function luma_of(pixels: v128): v128 {
  return luma_lanes(red_lanes(pixels), green_lanes(pixels), blue_lanes(pixels));
}

// @ts-ignore: decorator
@inline
function sum_lanes(x: v128): i32 {
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + (i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3));
}

function byte_sum(count: i32, src: usize): i32 {
  let lanes = i32x4.splat(0);
  const stop = src + count;
  for (; src + 16 <= stop; src += 16) {
    lanes = i32x4.add(lanes, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(v128.load(src))));
  }
  let sum = sum_lanes(lanes);
  for (; src < stop; src++) sum += load<u8>(src);
  return sum;
}

/**
 * y = clip(m + f·(s − m)), m = ⌊mean luma + ½⌋
 *
 * reads     src u8[rows, cols, channels], dense; sums i32[rows], the luma sums of the same image
 * writes    dst u8[rows, cols, channels], dense; may be src itself
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: single precision, cut to an integer
 */
export function contrast_u8(
  rows: i32,
  cols: i32,
  channels: i32,
  src: usize,
  sums: usize,
  factor: f32,
  dst: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(cols | channels);
  expect_aligned(sums);
  let total: i64 = 0;
  for (let row = 0; row < rows; row++) total += load<i32>(sums + (<usize>row << 2));
  const mean = floor<f64>(<f64>total / <f64>(rows * cols) + 0.5);
  const row_bytes = cols * channels;
  const skip = <usize>begin * row_bytes;
  blend_span((end - begin) * row_bytes, src + skip, <f32>mean, factor, dst + skip);
}

/**
 * y[c] = clip(l + f·(s[c] − l)), l = luma(s)
 *
 * reads     src u8[rows, cols, 3], dense, spare bytes
 * writes    dst u8[rows, cols, 3], dense; may be src itself
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: single precision, cut to an integer
 */
export function saturation_u8(rows: i32, cols: i32, src: usize, factor: f32, dst: usize, begin: i32, end: i32): void {
  expect_range(rows, begin, end);
  expect_sizes(cols);
  const f = f32x4.splat(factor);
  const skip = <usize>begin * cols * 3;
  src += skip;
  dst += skip;
  for (let left = (end - begin) * cols; left > 0; left -= 4, src += 12, dst += 12) {
    const pixels = v128.load(src);
    const r = red_lanes(pixels);
    const g = green_lanes(pixels);
    const b = blue_lanes(pixels);
    const l = f32x4.convert_i32x4_s(luma_lanes(r, g, b));
    store_pixels(dst, interleave(blend(l, f, r), blend(l, f, g), blend(l, f, b)), left);
  }
}

/**
 * y[c] = luma(s) in all three channels
 *
 * reads     src u8[rows, cols, 3], dense, spare bytes
 * writes    dst u8[rows, cols, 3], dense; may be src itself
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: integers
 */
export function grayscale_u8(rows: i32, cols: i32, src: usize, dst: usize, begin: i32, end: i32): void {
  expect_range(rows, begin, end);
  expect_sizes(cols);
  const skip = <usize>begin * cols * 3;
  src += skip;
  dst += skip;
  for (let left = (end - begin) * cols; left > 0; left -= 4, src += 12, dst += 12) {
    const l = luma_of(v128.load(src));
    store_pixels(dst, interleave(l, l, l), left);
  }
}

/**
 * y = rgb(h + shift mod 256, s, v) of (h, s, v) = hsv(s)          both conversions in bytes, as Pillow's mode HSV
 *
 * reads     src u8[rows, cols, 3], dense, spare bytes
 * writes    dst u8[rows, cols, 3], dense; may be src itself
 * requires  0 ≤ shift < 256; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: single precision gives Pillow's bytes for each of the 2^24 colours, in both directions
 */
export function hue_u8(rows: i32, cols: i32, src: usize, shift: i32, dst: usize, begin: i32, end: i32): void {
  expect_range(rows, begin, end);
  expect_sizes(cols);
  expect_byte(shift);
  const turn = i32x4.splat(shift);
  const skip = <usize>begin * cols * 3;
  src += skip;
  dst += skip;
  for (let left = (end - begin) * cols; left > 0; left -= 4, src += 12, dst += 12) {
    const pixels = v128.load(src);
    store_pixels(dst, turn_hue(pixels, turn), left);
  }
}

// @ts-ignore: decorator
@inline
function turn_hue(pixels: v128, turn: v128): v128 {
  const r = f32x4.convert_i32x4_s(red_lanes(pixels));
  const g = f32x4.convert_i32x4_s(green_lanes(pixels));
  const b = f32x4.convert_i32x4_s(blue_lanes(pixels));
  const high = f32x4.pmax(f32x4.pmax(r, g), b);
  const low = f32x4.pmin(f32x4.pmin(r, g), b);
  const range = f32x4.sub(high, low);
  const hue = i32x4.add(i32x4.trunc_sat_f32x4_s(hue_of(r, g, b, high, low, range)), turn);
  const saturation = f32x4.floor(f32x4.mul(f32x4.div(range, f32x4.pmax(high, f32x4.splat(1))), f32x4.splat(255)));
  return rgb_of(v128.and(hue, i32x4.splat(255)), saturation, high);
}

/**
 * Hue in 0…255, before it is cut to an integer. The middle channel alone decides within a sextant: with
 * m = (high − middle) / range the six are 1 − m, m − 1 (red highest), 1 + m, 3 − m (green), 3 + m, 5 − m (blue).
 * A grey pixel gets some hue too, without effect: its saturation is 0.
 */
// @ts-ignore: decorator
@inline
function hue_of(r: v128, g: v128, b: v128, high: v128, low: v128, range: v128): v128 {
  const middle = f32x4.sub(f32x4.sub(f32x4.add(f32x4.add(r, g), b), high), low);
  const m = f32x4.div(f32x4.sub(high, middle), f32x4.pmax(range, f32x4.splat(1)));
  const one = f32x4.splat(1);
  const three = f32x4.splat(3);
  const red = f32x4.eq(r, high);
  const green = f32x4.eq(g, high);
  const blue_low = f32x4.eq(b, low);
  const red_low = f32x4.eq(r, low);
  const of_red = v128.bitselect(f32x4.sub(one, m), f32x4.sub(m, one), blue_low);
  const of_green = v128.bitselect(f32x4.add(one, m), f32x4.sub(three, m), blue_low);
  const of_blue = v128.bitselect(f32x4.add(three, m), f32x4.sub(f32x4.splat(5), m), red_low);
  const sextant = v128.bitselect(of_red, v128.bitselect(of_green, of_blue, green), red);
  const turns = f32x4.div(sextant, f32x4.splat(6));
  const wrapped = v128.bitselect(f32x4.add(one, turns), turns, f32x4.lt(turns, f32x4.splat(0)));
  return f32x4.mul(wrapped, f32x4.splat(255));
}

/** Red, green, blue of a hue, a saturation and a value in 0…255. Saturation 0 gives grey whatever the hue. */
// @ts-ignore: decorator
@inline
function rgb_of(hue: v128, saturation: v128, value: v128): v128 {
  const one = f32x4.splat(1);
  const sixths = f32x4.div(f32x4.mul(f32x4.convert_i32x4_s(hue), f32x4.splat(6)), f32x4.splat(255));
  const floor = f32x4.floor(sixths);
  const f = f32x4.sub(sixths, floor);
  const s = f32x4.div(saturation, f32x4.splat(255));
  const v = i32x4.trunc_sat_f32x4_s(value);
  const p = round_product(value, f32x4.sub(one, s));
  const q = round_product(value, f32x4.sub(one, f32x4.mul(s, f)));
  const t = round_product(value, f32x4.sub(one, f32x4.mul(s, f32x4.sub(one, f))));
  // Sextants 0…6, the last the same as 0: R = v q p p t v, G = t v v q p p, B = p p t v v q.
  const is0 = v128.or(f32x4.lt(floor, one), f32x4.gt(floor, f32x4.splat(5)));
  const is1 = f32x4.eq(floor, one);
  const is2 = f32x4.eq(floor, f32x4.splat(2));
  const is3 = f32x4.eq(floor, f32x4.splat(3));
  const is4 = f32x4.eq(floor, f32x4.splat(4));
  const red = v128.bitselect(q, v128.bitselect(p, v128.bitselect(t, v, is4), v128.or(is2, is3)), is1);
  const green = v128.bitselect(t, v128.bitselect(v, v128.bitselect(q, p, is3), v128.or(is1, is2)), is0);
  const blue = v128.bitselect(p, v128.bitselect(t, v128.bitselect(v, q, v128.or(is3, is4)), is2), v128.or(is0, is1));
  return interleave(red, green, blue);
}

/** ⌊a·b + ½⌋ as integers, for a·b ≥ 0. */
// @ts-ignore: decorator
@inline
function round_product(a: v128, b: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(a, b), f32x4.splat(0.5)));
}

/**
 * y = s < threshold ? s : 255 − s
 *
 * reads     src u8[rows, row_bytes], dense
 * writes    dst u8[rows, row_bytes], dense; may be src itself
 * requires  0 ≤ threshold < 256; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: integers
 */
export function solarize_u8(
  rows: i32,
  row_bytes: i32,
  src: usize,
  threshold: i32,
  dst: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(row_bytes);
  expect_byte(threshold);
  const skip = <usize>begin * row_bytes;
  src += skip;
  dst += skip;
  const limit = i8x16.splat(<i8>threshold);
  const stop = dst + (end - begin) * row_bytes;
  for (; dst + 16 <= stop; src += 16, dst += 16) {
    const bytes = v128.load(src);
    v128.store(dst, v128.xor(bytes, i8x16.ge_u(bytes, limit))); // 255 − s is the complement of s
  }
  for (; dst < stop; src++, dst++) {
    const value = <i32>load<u8>(src);
    store<u8>(dst, <u8>(value < threshold ? value : 255 - value));
  }
}
