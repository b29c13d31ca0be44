import { expect_aligned, expect_apart, expect_at_most, expect_range, expect_scratch, expect_sizes } from "./contract";
import { clip_byte, narrow_bytes } from "./pixels";

/**
 * y = round(K ∗ s), K[i, j] = w[|i|] · w[|j|] for |i|, |j| ≤ radius; borders reflect without repeating the edge
 *
 * reads     src u8[rows, cols, channels], dense; weights f32[radius + 1], from the centre outwards
 * writes    dst u8[rows, cols, channels], dense; halves round to even
 * requires  radius < rows, cols; dst apart from src; scratch for (cols + 2·radius)·channels numbers; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     one level, where a sum lies within rounding of a half
 */
export function blur_u8(
  rows: i32,
  cols: i32,
  channels: i32,
  src: usize,
  weights: usize,
  radius: i32,
  dst: usize,
  scratch: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_sizes(cols | channels | radius);
  expect_aligned(weights);
  expect_at_most(radius, rows - 1);
  expect_at_most(radius, cols - 1);
  expect_apart(src, rows * cols * channels, dst, rows * cols * channels);
  expect_scratch(scratch, <i64>(cols + 2 * radius) * channels);
  const row_bytes = cols * channels;
  const line = scratch + (<usize>(radius * channels) << 2);
  for (let row = begin; row < end; row++) {
    blur_columns(rows, row, row_bytes, src, weights, radius, line);
    reflect_ends(cols, channels, radius, line);
    blur_line(row_bytes, channels, line, weights, radius, dst + <usize>row * row_bytes);
  }
}

// @ts-ignore: decorator
@inline
function reflect(i: i32, n: i32): i32 {
  if (i < 0) return -i;
  return i < n ? i : 2 * n - 2 - i;
}

/** The vertical sum of one row, as numbers. Two rows at equal distance share a weight, and their byte sums are exact. */
function blur_columns(rows: i32, row: i32, row_bytes: i32, src: usize, weights: usize, radius: i32, line: usize): void {
  const centre = src + <usize>row * row_bytes;
  if (row_bytes < 16) {
    for (let i = 0; i < row_bytes; i++) {
      let sum = load<f32>(weights) * <f32>load<u8>(centre + i);
      for (let d = 1; d <= radius; d++) {
        const above = src + <usize>reflect(row - d, rows) * row_bytes + i;
        const below = src + <usize>reflect(row + d, rows) * row_bytes + i;
        sum += load<f32>(weights + (<usize>d << 2)) * <f32>(<i32>load<u8>(above) + <i32>load<u8>(below));
      }
      store<f32>(line + (<usize>i << 2), sum);
    }
    return;
  }
  for (let i = 0; i < row_bytes; i += 16) {
    const at = min(i, row_bytes - 16);
    const bytes = v128.load(centre + at);
    let low = i16x8.extend_low_i8x16_u(bytes);
    let high = i16x8.extend_high_i8x16_u(bytes);
    let w = v128.load_splat<u32>(weights);
    let s0 = f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low)));
    let s1 = f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low)));
    let s2 = f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high)));
    let s3 = f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high)));
    for (let d = 1; d <= radius; d++) {
      const above = v128.load(src + <usize>reflect(row - d, rows) * row_bytes + at);
      const below = v128.load(src + <usize>reflect(row + d, rows) * row_bytes + at);
      low = i16x8.add(i16x8.extend_low_i8x16_u(above), i16x8.extend_low_i8x16_u(below));
      high = i16x8.add(i16x8.extend_high_i8x16_u(above), i16x8.extend_high_i8x16_u(below));
      w = v128.load_splat<u32>(weights + (<usize>d << 2));
      s0 = f32x4.add(s0, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low))));
      s1 = f32x4.add(s1, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low))));
      s2 = f32x4.add(s2, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high))));
      s3 = f32x4.add(s3, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high))));
    }
    const to = line + (<usize>at << 2);
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
  }
}

/** Continues a line of numbers by `radius` reflected pixels on both sides. */
function reflect_ends(cols: i32, channels: i32, radius: i32, line: usize): void {
  const last = line + (<usize>((cols - 1) * channels) << 2);
  for (let d = 1; d <= radius; d++) {
    const shift = <usize>(d * channels) << 2;
    for (let c: usize = 0; c < <usize>channels << 2; c += 4) {
      store<f32>(line - shift + c, load<f32>(line + shift + c));
      store<f32>(last + shift + c, load<f32>(last - shift + c));
    }
  }
}

/** The horizontal sum of a line of numbers, rounded to bytes. */
function blur_line(row_bytes: i32, channels: i32, line: usize, weights: usize, radius: i32, dst: usize): void {
  if (row_bytes < 16) {
    for (let i = 0; i < row_bytes; i++) {
      const at = line + (<usize>i << 2);
      let sum = load<f32>(weights) * load<f32>(at);
      for (let d = 1; d <= radius; d++) {
        const shift = <usize>(d * channels) << 2;
        sum += load<f32>(weights + (<usize>d << 2)) * (load<f32>(at - shift) + load<f32>(at + shift));
      }
      store<u8>(dst + i, <u8>clip_byte(<i32>nearest<f32>(sum)));
    }
    return;
  }
  for (let i = 0; i < row_bytes; i += 16) {
    const first = min(i, row_bytes - 16);
    const at = line + (<usize>first << 2);
    let w = v128.load_splat<u32>(weights);
    let s0 = f32x4.mul(w, v128.load(at));
    let s1 = f32x4.mul(w, v128.load(at, 16));
    let s2 = f32x4.mul(w, v128.load(at, 32));
    let s3 = f32x4.mul(w, v128.load(at, 48));
    for (let d = 1; d <= radius; d++) {
      const left = at - (<usize>(d * channels) << 2);
      const right = at + (<usize>(d * channels) << 2);
      w = v128.load_splat<u32>(weights + (<usize>d << 2));
      s0 = f32x4.add(s0, f32x4.mul(w, f32x4.add(v128.load(left), v128.load(right))));
      s1 = f32x4.add(s1, f32x4.mul(w, f32x4.add(v128.load(left, 16), v128.load(right, 16))));
      s2 = f32x4.add(s2, f32x4.mul(w, f32x4.add(v128.load(left, 32), v128.load(right, 32))));
      s3 = f32x4.add(s3, f32x4.mul(w, f32x4.add(v128.load(left, 48), v128.load(right, 48))));
    }
    v128.store(dst + first, narrow_bytes(nearest_lanes(s0), nearest_lanes(s1), nearest_lanes(s2), nearest_lanes(s3)));
  }
}

// @ts-ignore: decorator
@inline
function nearest_lanes(x: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(x));
}
