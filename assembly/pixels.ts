// Interleaved bytes to vector lanes and back, shared by the image kernels. Four RGB pixels are twelve bytes: loads read
// sixteen, stores write exactly what belongs to the pixels.

/** Lanes 0…3 of channel c of the four RGB pixels in the low twelve bytes, as integers. */
// @ts-ignore: decorator
@inline
export function red_lanes(pixels: v128): v128 {
  return i8x16.swizzle(pixels, i8x16(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1));
}

// @ts-ignore: decorator
@inline
export function green_lanes(pixels: v128): v128 {
  return i8x16.swizzle(pixels, i8x16(1, -1, -1, -1, 4, -1, -1, -1, 7, -1, -1, -1, 10, -1, -1, -1));
}

// @ts-ignore: decorator
@inline
export function blue_lanes(pixels: v128): v128 {
  return i8x16.swizzle(pixels, i8x16(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1));
}

/** Four RGB pixels in the low twelve bytes, from integers per channel; values outside 0…255 saturate. */
// @ts-ignore: decorator
@inline
export function interleave(r: v128, g: v128, b: v128): v128 {
  const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(r, g), i16x8.narrow_i32x4_s(b, b));
  return i8x16.swizzle(bytes, i8x16(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1));
}

/** Stores the first `count` (1…4) of the four RGB pixels in the low twelve bytes. */
// @ts-ignore: decorator
@inline
export function store_pixels(dst: usize, pixels: v128, count: i32): void {
  if (count >= 4) {
    v128.store_lane<u64>(dst, pixels, 0);
    v128.store_lane<u32>(dst, pixels, 2, 8);
    return;
  }
  store_pixel(dst, i32x4.extract_lane(pixels, 0));
  const low = i64x2.extract_lane(pixels, 0);
  if (count > 1) store_pixel(dst + 3, <i32>(low >> 24));
  if (count > 2) store_pixel(dst + 6, (<i32>(low >> 48) & 0xffff) | (i32x4.extract_lane(pixels, 2) << 16));
}

/** Stores the low three bytes. */
// @ts-ignore: decorator
@inline
export function store_pixel(dst: usize, bytes: i32): void {
  store<u16>(dst, <u16>bytes);
  store<u8>(dst, <u8>(bytes >> 16), 2);
}

/** Luma of integers per channel, ITU-R 601-2 in 16 fractional bits: (19595 R + 38470 G + 7471 B + 2^15) / 2^16. */
// @ts-ignore: decorator
@inline
export function luma_lanes(r: v128, g: v128, b: v128): v128 {
  const sum = i32x4.add(
    i32x4.add(i32x4.mul(r, i32x4.splat(19595)), i32x4.mul(g, i32x4.splat(38470))),
    i32x4.add(i32x4.mul(b, i32x4.splat(7471)), i32x4.splat(0x8000)),
  );
  return i32x4.shr_u(sum, 16);
}

/** Sixteen bytes from four vectors of integers; values outside 0…255 saturate. */
// @ts-ignore: decorator
@inline
export function narrow_bytes(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** An integer clipped to 0…255. */
// @ts-ignore: decorator
@inline
export function clip_byte(x: i32): i32 {
  return min(max(x, 0), 255);
}
