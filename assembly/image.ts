import { expect_aligned, expect_apart, expect_bounds, expect_range, expect_sizes } from "./contract";
import { blue_lanes, clip_byte, green_lanes, narrow_bytes, red_lanes, store_pixel } from "./pixels";

// Images are bytes, row by row, channels innermost (HWC). Where a kernel says "spare bytes", up to sixteen bytes after
// the last pixel are read and ignored.

/** Fractional bits of resampling weights: 32 minus 8 of the pixel minus 2 of headroom. */
// @ts-ignore: decorator
@inline
const WEIGHT_BITS: i32 = 22;

/**
 * y[r, x, c] = clip((2^21 + Σ_t w[x, t] · s[r, first(x) + t, c]) >> 22)          one row at a time, left to right
 *
 * reads     src u8[rows, ·, channels] with row stride ld, spare bytes; bounds i32[width, 2] = (first, count);
 *           weights i32[width, taps] with 22 fractional bits
 * writes    dst u8[rows, width, channels], dense
 * requires  count ≤ taps; dst apart from src; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: integers
 */
export function resize_horizontal_u8(
  rows: i32,
  width: i32,
  channels: i32,
  src: usize,
  ld: i32,
  taps: i32,
  bounds: usize,
  weights: usize,
  dst: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(width | channels | ld | taps);
  expect_aligned(bounds | weights);
  expect_bounds(width, bounds, taps);
  expect_apart(src, (rows - 1) * ld, dst, rows * width * channels);
  for (let row = begin; row < end; row++) {
    const from = src + <usize>row * ld;
    const to = dst + <usize>row * width * channels;
    if (channels == 3) resize_row_rgb(width, from, taps, bounds, weights, to);
    else resize_row(width, channels, from, taps, bounds, weights, to);
  }
}

function resize_row_rgb(width: i32, src: usize, taps: i32, bounds: usize, weights: usize, dst: usize): void {
  const half = i32x4.splat(1 << (WEIGHT_BITS - 1));
  for (let x = 0; x < width; x++) {
    let pixel = src + 3 * <usize>load<i32>(bounds);
    let weight = weights;
    const stop = weight + (<usize>load<i32>(bounds, 4) << 2);
    let sum = half;
    for (; weight < stop; weight += 4, pixel += 3) {
      const lanes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load_zero<u32>(pixel)));
      sum = i32x4.add(sum, i32x4.mul(lanes, v128.load_splat<u32>(weight)));
    }
    sum = i32x4.shr_s(sum, WEIGHT_BITS);
    const bytes = narrow_bytes(sum, sum, sum, sum);
    store_pixel(dst, i32x4.extract_lane(bytes, 0));
    dst += 3;
    bounds += 8;
    weights += <usize>taps << 2;
  }
}

function resize_row(width: i32, channels: i32, src: usize, taps: i32, bounds: usize, weights: usize, dst: usize): void {
  for (let x = 0; x < width; x++) {
    const pixel = src + <usize>channels * load<i32>(bounds);
    const stop = weights + (<usize>load<i32>(bounds, 4) << 2);
    for (let c = 0; c < channels; c++) {
      let sum = 1 << (WEIGHT_BITS - 1);
      let at = pixel + c;
      for (let weight = weights; weight < stop; weight += 4, at += channels) {
        sum += <i32>load<u8>(at) * load<i32>(weight);
      }
      store<u8>(dst++, <u8>clip_byte(sum >> WEIGHT_BITS));
    }
    bounds += 8;
    weights += <usize>taps << 2;
  }
}

/**
 * y[r, i] = clip((2^21 + Σ_t w[r, t] · s[first(r) + t, i]) >> 22)          every byte column
 *
 * reads     src u8[·, row_bytes] with row stride ld; bounds i32[rows, 2] = (first, count); weights i32[rows, taps]
 * writes    dst u8[rows, row_bytes], dense
 * requires  count ≤ taps; dst apart from src; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none: integers
 */
export function resize_vertical_u8(
  rows: i32,
  row_bytes: i32,
  src: usize,
  ld: i32,
  taps: i32,
  bounds: usize,
  weights: usize,
  dst: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(row_bytes | ld | taps);
  expect_aligned(bounds | weights);
  expect_bounds(rows, bounds, taps);
  expect_apart(src, row_bytes, dst, rows * row_bytes);
  for (let row = begin; row < end; row++) {
    const from = src + <usize>ld * load<i32>(bounds + (<usize>row << 3));
    const count = load<i32>(bounds + (<usize>row << 3), 4);
    const weight = weights + (<usize>(row * taps) << 2);
    const to = dst + <usize>row * row_bytes;
    if (row_bytes < 16) {
      for (let i = 0; i < row_bytes; i++) store<u8>(to + i, <u8>resize_column(from + i, ld, count, weight));
      continue;
    }
    // The last block overlaps the one before it; both compute the same bytes.
    for (let i = 0; i < row_bytes; i += 16) {
      const at = min(i, row_bytes - 16);
      resize_columns(from + at, ld, count, weight, to + at);
    }
  }
}

// @ts-ignore: decorator
@inline
function resize_columns(src: usize, ld: i32, count: i32, weight: usize, dst: usize): void {
  let s0 = i32x4.splat(1 << (WEIGHT_BITS - 1));
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (const stop = weight + (<usize>count << 2); weight < stop; weight += 4, src += ld) {
    const bytes = v128.load(src);
    const w = v128.load_splat<u32>(weight);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    s0 = i32x4.add(s0, i32x4.mul(w, i32x4.extend_low_i16x8_u(low)));
    s1 = i32x4.add(s1, i32x4.mul(w, i32x4.extend_high_i16x8_u(low)));
    s2 = i32x4.add(s2, i32x4.mul(w, i32x4.extend_low_i16x8_u(high)));
    s3 = i32x4.add(s3, i32x4.mul(w, i32x4.extend_high_i16x8_u(high)));
  }
  s0 = i32x4.shr_s(s0, WEIGHT_BITS);
  s1 = i32x4.shr_s(s1, WEIGHT_BITS);
  s2 = i32x4.shr_s(s2, WEIGHT_BITS);
  s3 = i32x4.shr_s(s3, WEIGHT_BITS);
  v128.store(dst, narrow_bytes(s0, s1, s2, s3));
}

function resize_column(src: usize, ld: i32, count: i32, weight: usize): i32 {
  let sum = 1 << (WEIGHT_BITS - 1);
  for (const stop = weight + (<usize>count << 2); weight < stop; weight += 4, src += ld) {
    sum += <i32>load<u8>(src) * load<i32>(weight);
  }
  return clip_byte(sum >> WEIGHT_BITS);
}

/**
 * y[r, x] = s sampled bilinearly at (cos·u + sin·v + tx, −sin·u + cos·v + ty), u = left + x + ½, v = top + r + ½;
 * zero where that point is outside s
 *
 * reads     src u8[height, width, channels], dense
 * writes    dst u8[rows, cols, channels], dense; fractions are cut off
 * requires  dst apart from src; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none beyond double precision, which may turn an exact integer into the level below
 */
export function rotate_u8(
  rows: i32,
  cols: i32,
  channels: i32,
  top: i32,
  left: i32,
  height: i32,
  width: i32,
  src: usize,
  cos: f64,
  sin: f64,
  tx: f64,
  ty: f64,
  dst: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(cols | channels | height | width);
  expect_apart(src, height * width * channels, dst, rows * cols * channels);
  let to = dst + <usize>begin * cols * channels;
  for (let row = begin; row < end; row++) {
    const v = <f64>(top + row) + 0.5;
    for (let col = 0; col < cols; col++) {
      const u = <f64>(left + col) + 0.5;
      const x = cos * u + sin * v + tx;
      const y = -sin * u + cos * v + ty;
      if (x < 0 || x >= <f64>width || y < 0 || y >= <f64>height) {
        for (let c = 0; c < channels; c++) store<u8>(to + c, 0);
      } else sample_bilinear(height, width, channels, src, x - 0.5, y - 0.5, to);
      to += channels;
    }
  }
}

// @ts-ignore: decorator
@inline
function sample_bilinear(height: i32, width: i32, channels: i32, src: usize, x: f64, y: f64, dst: usize): void {
  const col = <i32>floor<f64>(x);
  const row = <i32>floor<f64>(y);
  const dx = x - <f64>col;
  const dy = y - <f64>row;
  const upper = src + <usize>(max(row, 0) * width) * channels;
  const lower = src + <usize>(min(row + 1, height - 1) * width) * channels;
  const left = <usize>(max(col, 0) * channels);
  const right = <usize>(min(col + 1, width - 1) * channels);
  for (let c: usize = 0; c < <usize>channels; c++) {
    const a = between(<f64>load<u8>(upper + left + c), <f64>load<u8>(upper + right + c), dx);
    const b = between(<f64>load<u8>(lower + left + c), <f64>load<u8>(lower + right + c), dx);
    store<u8>(dst + c, <i32>between(a, b, dy));
  }
}

// @ts-ignore: decorator
@inline
function between(a: f64, b: f64, share: f64): f64 {
  return a + (b - a) * share;
}

/**
 * y[c, r, x] = (s[r, x, c] / 255 − mean[c]) / std[c]          bytes HWC to numbers CHW
 *
 * reads     src u8[rows, cols, channels], dense, spare bytes; mean, std f32[channels]
 * writes    dst f32[channels, rows, cols], dense
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     three roundings, each as written
 */
export function normalize_f32(
  rows: i32,
  cols: i32,
  channels: i32,
  src: usize,
  mean: usize,
  std: usize,
  dst: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(cols | channels);
  expect_aligned(mean | std | dst);
  const plane = <usize>(rows * cols) << 2;
  const first = begin * cols;
  const count = (end - begin) * cols;
  src += <usize>first * channels;
  dst += <usize>first << 2;
  if (channels == 3) return normalize_rgb(count, src, mean, std, dst, plane);
  for (let c = 0; c < channels; c++, mean += 4, std += 4, dst += plane) {
    normalize_channel(count, channels, src + c, load<f32>(mean), load<f32>(std), dst);
  }
}

function normalize_rgb(count: i32, src: usize, mean: usize, std: usize, red: usize, plane: usize): void {
  const green = red + plane;
  const blue = green + plane;
  const mr = v128.load_splat<u32>(mean);
  const mg = v128.load_splat<u32>(mean, 4);
  const mb = v128.load_splat<u32>(mean, 8);
  const sr = v128.load_splat<u32>(std);
  const sg = v128.load_splat<u32>(std, 4);
  const sb = v128.load_splat<u32>(std, 8);
  let at: usize = 0;
  for (const stop = <usize>(count & ~3) << 2; at < stop; at += 16, src += 12) {
    const pixels = v128.load(src);
    v128.store(red + at, normalize_lanes(red_lanes(pixels), mr, sr));
    v128.store(green + at, normalize_lanes(green_lanes(pixels), mg, sg));
    v128.store(blue + at, normalize_lanes(blue_lanes(pixels), mb, sb));
  }
  const rest = count & 3;
  normalize_channel(rest, 3, src, load<f32>(mean), load<f32>(std), red + at);
  normalize_channel(rest, 3, src + 1, load<f32>(mean, 4), load<f32>(std, 4), green + at);
  normalize_channel(rest, 3, src + 2, load<f32>(mean, 8), load<f32>(std, 8), blue + at);
}

// @ts-ignore: decorator
@inline
function normalize_lanes(x: v128, mean: v128, std: v128): v128 {
  return f32x4.div(f32x4.sub(f32x4.div(f32x4.convert_i32x4_s(x), f32x4.splat(255)), mean), std);
}

function normalize_channel(count: i32, channels: i32, src: usize, mean: f32, std: f32, dst: usize): void {
  for (let i = 0; i < count; i++, src += channels, dst += 4) store<f32>(dst, (<f32>load<u8>(src) / 255 - mean) / std);
}
