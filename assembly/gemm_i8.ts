// Products of whole numbers: weights of eight bits, one scale to a column, times rows of sixteen bits, one scale to a row.
// i32x4.dot_i16x8_s forms eight products and adds them in pairs, where a vector of f32 has four. So operands lie in pairs
// of neighbouring terms. All sums are exact; only scales and bias round, the same in every build.
import {
  expect_aligned, expect_at_least, expect_at_most, expect_blocks, expect_range, expect_rows, expect_scratch,
  expect_sizes,
} from "./contract";
import { copy_part } from "./gemm";
import { PANEL_COLUMNS, STRIP_ROWS } from "./pack";

/** The largest weight; −128 is left out, so that a weight and its negative round alike. */
// @ts-ignore: decorator
@inline
const LARGEST_WEIGHT: f32 = 127;

/** Strips that pass by each panel while it is in the nearest cache. */
// @ts-ignore: decorator
@inline
const BLOCK_STRIPS: i32 = 16;

/**
 * packed[s, p, t, ·] = terms 2p and 2p + 1 of row 4·s + t of x, divided by its scale and rounded to even; zero beyond x.
 * scales[4·s + t] = max |row| / limit, zero beyond x
 *
 * reads     x  f32[rows, k], row stride ldx
 * writes    packed  i16[strips, ⌈k / 2⌉, 4, 2]; scales  f32[4·strips]
 * requires  strips = ⌈rows / 4⌉; 1 ≤ limit ≤ 32767; 0 ≤ begin ≤ end ≤ strips
 * splits    over strips, anywhere
 * error     half a scale per term, which is the meaning of it; a row that is not finite has scale NaN
 */
export function pack_a_i16(
  strips: i32, k: i32, rows: i32, x: usize, ldx: i32, limit: i32, packed: usize, scales: usize, begin: i32, end: i32,
): void {
  expect_range(strips, begin, end);
  expect_aligned(x | packed | scales);
  expect_blocks(strips, rows, STRIP_ROWS);
  expect_rows(rows, k, ldx);
  expect_at_least(limit, 1);
  expect_at_most(limit, 32767);
  const pitch = <usize>ldx << 2;
  const stripBytes = <usize>((k + 1) >> 1) << 4;
  for (let s = begin; s < end; s++) {
    const valid = min(STRIP_ROWS, rows - s * STRIP_ROWS);
    const from = x + <usize>(s * STRIP_ROWS) * pitch;
    const rowScales = scales + (<usize>s << 4);
    for (let t = 0; t < STRIP_ROWS; t++) {
      const largest = t < valid ? largest_of(k, from + <usize>t * pitch) : <f32>0;
      store<f32>(rowScales + (<usize>t << 2), largest / <f32>limit);
    }
    round_strip(k, from, pitch, valid, rowScales, packed + <usize>s * stripBytes);
  }
}

/** Bits of infinity; those of NaN without its sign are larger. */
// @ts-ignore: decorator
@inline
const INFINITY_BITS: i32 = 0x7f800000;

/**
 * max |x| of k numbers, NaN if one of them is not finite. Without their signs the bits of numbers are ordered as they are, and
 * whole numbers are compared in a third of the time that numbers which may be NaN take.
 */
function largest_of(k: i32, x: usize): f32 {
  const mask = i32x4.splat(0x7fffffff);
  let four = i32x4.splat(0);
  const whole = x + (<usize>(k & ~3) << 2);
  for (; x < whole; x += 16) four = i32x4.max_s(four, v128.and(v128.load(x), mask));
  let largest = max(
    max(i32x4.extract_lane(four, 0), i32x4.extract_lane(four, 1)),
    max(i32x4.extract_lane(four, 2), i32x4.extract_lane(four, 3)),
  );
  for (let i = k & 3; i > 0; i--, x += 4) largest = max(largest, load<i32>(x) & 0x7fffffff);
  return largest < INFINITY_BITS ? reinterpret<f32>(largest) : NaN;
}

/** 1 / scale, or 0 for a row of zeros. */
// @ts-ignore: decorator
@inline
function inverse_of(scale: usize): f32 {
  const value = load<f32>(scale);
  return value == 0 ? 0 : 1 / value;
}

/** 1.5 · 2²³: what is added to it is rounded to a whole number, halves to even, which stands in the low bits of the sum. */
// @ts-ignore: decorator
@inline
const ROUNDING: f32 = 12582912;

/** Four numbers times a factor, rounded; of numbers that are not finite the result says nothing. */
// @ts-ignore: decorator
@inline
function rounded(x: usize, factor: f32): v128 {
  const sum = f32x4.add(f32x4.mul(v128.load(x), f32x4.splat(factor)), f32x4.splat(ROUNDING));
  return i32x4.sub(sum, f32x4.splat(ROUNDING));
}

/** Four rows as pairs of terms; rows from `valid` on have scale 0 and are read from the first. */
function round_strip(k: i32, x: usize, pitch: usize, valid: i32, scales: usize, to: usize): void {
  const row1 = valid > 1 ? pitch : 0;
  const row2 = valid > 2 ? pitch << 1 : 0;
  const row3 = valid > 3 ? pitch * 3 : 0;
  const f0 = inverse_of(scales);
  const f1 = inverse_of(scales + 4);
  const f2 = inverse_of(scales + 8);
  const f3 = inverse_of(scales + 12);
  const whole = x + (<usize>(k & ~3) << 2);
  for (; x < whole; x += 16, to += 32) {
    const low = i16x8.narrow_i32x4_s(rounded(x, f0), rounded(x + row1, f1));
    const high = i16x8.narrow_i32x4_s(rounded(x + row2, f2), rounded(x + row3, f3));
    v128.store(to, v128.shuffle<i32>(low, high, 0, 2, 4, 6));
    v128.store(to, v128.shuffle<i32>(low, high, 1, 3, 5, 7), 16);
  }
  for (let left = k & 3; left > 0; left -= 2, x += 8, to += 16) {
    store_pair(left, x, f0, to);
    store_pair(left, x + row1, f1, to + 4);
    store_pair(left, x + row2, f2, to + 8);
    store_pair(left, x + row3, f3, to + 12);
  }
}

/** The next two terms of a row, or the last and a zero. */
function store_pair(left: i32, x: usize, factor: f32, to: usize): void {
  store<i16>(to, round_i16(load<f32>(x) * factor));
  store<i16>(to, left > 1 ? round_i16(load<f32>(x, 4) * factor) : 0, 2);
}

/** The same of one number. */
// @ts-ignore: decorator
@inline
function round_i16(x: f32): i16 {
  return <i16>(reinterpret<i32>(x + ROUNDING) - reinterpret<i32>(ROUNDING));
}

/**
 * packed[p, i, j, ·] = terms 2i and 2i + 1 of row 8·p + j of w, divided by its scale and rounded to even; zero beyond w.
 * scales[8·p + j] = max |row| / 127, zero beyond w
 *
 * reads     w  f32[n, k], row stride ldw: the weight of a linear layer
 * writes    packed  i8[panels, ⌈k / 2⌉, 8, 2]; scales  f32[8·panels]
 * requires  panels = ⌈n / 8⌉; 0 ≤ begin ≤ end ≤ panels
 * splits    over panels, anywhere
 * error     half a scale per term, which is the meaning of it
 */
export function pack_b_i8(
  panels: i32, n: i32, k: i32, w: usize, ldw: i32, packed: usize, scales: usize, begin: i32, end: i32,
): void {
  expect_range(panels, begin, end);
  expect_aligned(w | packed | scales);
  expect_blocks(panels, n, PANEL_COLUMNS);
  expect_rows(n, k, ldw);
  const pairs = (k + 1) >> 1;
  for (let column = begin * PANEL_COLUMNS; column < end * PANEL_COLUMNS; column++) {
    const row = w + (<usize>column * <usize>ldw << 2);
    const largest = column < n ? largest_of(k, row) : <f32>0;
    const scale = scales + (<usize>column << 2);
    store<f32>(scale, largest / LARGEST_WEIGHT);
    const factor = inverse_of(scale);
    const panel = packed + (<usize>(column / PANEL_COLUMNS * pairs) << 4);
    let to = panel + (<usize>(column % PANEL_COLUMNS) << 1);
    for (let i = 0; i < pairs << 1; i++) {
      const value = column < n && i < k ? load<f32>(row + (<usize>i << 2)) * factor : <f32>0;
      store<i8>(to + (i & 1), <i8>round_i16(value));
      if (i & 1) to += 2 * PANEL_COLUMNS;
    }
  }
}

/**
 * c[i, j] = row_scales[i]·column_scales[j]·Σ_p a[i, p]·b[p, j] + bias[j]          both operands whole numbers
 *
 * reads     a, row_scales  by pack_a_i16; packed, column_scales  by pack_b_i8; bias  f32[n], or 0 for none
 * writes    c  f32[rows, n], row stride ldc
 * requires  strips = ⌈rows / 4⌉; 127·k·limit < 2³¹ for the limit of a, so that no sum overflows; 0 ≤ begin ≤ end ≤ strips
 * splits    over strips, anywhere
 * error     4 roundings of the exact sum, and one for the bias
 */
export function gemm_i8(
  strips: i32, n: i32, k: i32, rows: i32, a: usize, row_scales: usize, packed: usize, column_scales: usize, bias: usize,
  c: usize, ldc: i32, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(strips, begin, end);
  expect_aligned(a | row_scales | packed | column_scales | bias | c);
  expect_blocks(strips, rows, STRIP_ROWS);
  expect_sizes(k);
  expect_rows(rows, n, ldc);
  expect_scratch(scratch, 32);
  const pairs = (k + 1) >> 1;
  const cBytes = <usize>ldc << 2;
  const stripBytes = <usize>pairs << 4;
  for (let first = begin; first < end; first += BLOCK_STRIPS) {
    const last = min(end, first + BLOCK_STRIPS);
    let panel = packed;
    for (let j = 0; j < n; j += PANEL_COLUMNS, panel += stripBytes) {
      const columns = min(PANEL_COLUMNS, n - j);
      const skip = <usize>j << 2;
      const columnBias = bias ? bias + skip : 0;
      for (let s = first; s < last; s++) {
        const valid = min(STRIP_ROWS, rows - s * STRIP_ROWS);
        const strip = a + <usize>s * stripBytes;
        const rowScales = row_scales + (<usize>s << 4);
        const to = c + <usize>(s * STRIP_ROWS) * cBytes + skip;
        if (valid == STRIP_ROWS && columns == PANEL_COLUMNS) {
          tile_4x8(pairs, strip, panel, rowScales, column_scales + skip, columnBias, to, cBytes);
        } else {
          tile_4x8(pairs, strip, panel, rowScales, column_scales + skip, 0, scratch, 32);
          copy_part(valid, columns, scratch, columnBias, 0, to, cBytes);
        }
      }
    }
  }
}

/** Four rows by eight columns, two terms at a time; four steps make one turn of the loop (assembly/gemm_tile.ts says why). */
function tile_4x8(
  pairs: i32, a: usize, b: usize, rowScales: usize, columnScales: usize, bias: usize, c: usize, cBytes: usize,
): void {
  let b0: v128, b1: v128, x: v128;
  let c00 = i32x4.splat(0), c10 = c00, c20 = c00, c30 = c00;
  let c01 = c00, c11 = c00, c21 = c00, c31 = c00;
  while (pairs > 0) {
    b0 = v128.load_ext<i8>(b), b1 = v128.load_ext<i8>(b, 8), x = v128.load32_splat(a);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x, b0)), c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x, b1));
    x = v128.load32_splat(a, 4);
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x, b0)), c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x, b1));
    x = v128.load32_splat(a, 8);
    c20 = i32x4.add(c20, i32x4.dot_i16x8_s(x, b0)), c21 = i32x4.add(c21, i32x4.dot_i16x8_s(x, b1));
    x = v128.load32_splat(a, 12);
    c30 = i32x4.add(c30, i32x4.dot_i16x8_s(x, b0)), c31 = i32x4.add(c31, i32x4.dot_i16x8_s(x, b1));
    a += 16, b += 16;
    pairs--;
  }
  const left = v128.load(columnScales);
  const right = v128.load(columnScales, 16);
  put_scaled(c00, c01, rowScales, left, right, bias, c);
  put_scaled(c10, c11, rowScales + 4, left, right, bias, c + cBytes);
  put_scaled(c20, c21, rowScales + 8, left, right, bias, c + 2 * cBytes);
  put_scaled(c30, c31, rowScales + 12, left, right, bias, c + 3 * cBytes);
}

/** Eight sums of a row as numbers, plus bias unless that is 0. */
// @ts-ignore: decorator
@inline
function put_scaled(low: v128, high: v128, rowScale: usize, left: v128, right: v128, bias: usize, to: usize): void {
  const scale = v128.load32_splat(rowScale);
  low = f32x4.mul(f32x4.convert_i32x4_s(low), f32x4.mul(scale, left));
  high = f32x4.mul(f32x4.convert_i32x4_s(high), f32x4.mul(scale, right));
  if (bias) {
    low = f32x4.add(low, v128.load(bias));
    high = f32x4.add(high, v128.load(bias, 16));
  }
  v128.store(to, low);
  v128.store(to, high, 16);
}
