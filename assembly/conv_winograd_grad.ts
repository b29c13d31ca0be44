// The weight gradient of convolutions by tiles. With the names of conv_winograd.ts a tile gives y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A,
// so dw = Gᵀ[Σ_tiles (A dy Aᵀ) ⊙ (Bᵀ d B)]G: for each of the 16 places of a tile a product over tiles, with 16
// multiplications where the definition has 36. Tiles come block by block, so that what is transformed stays in cache.
import {
  expect_aligned, expect_at_most, expect_beta, expect_blocks, expect_range, expect_scratch, expect_sizes,
} from "./contract";
import { PLACES } from "./conv_winograd";
import { tile_4x8 } from "./gemm_tile";
import { PANEL_COLUMNS, STRIP_ROWS } from "./pack";
import { expect_window, field, source_bytes, Window } from "./window";

/** Tiles that are transformed together, since their numbers share cache lines of the result. */
// @ts-ignore: decorator
@inline
const GROUP_TILES: i32 = 4;

/** Scratch: the addresses of the pixels of a group, then zeros for one pixel. */
// @ts-ignore: decorator
@inline
const ADDRESSES: usize = 64;
// @ts-ignore: decorator
@inline
const ZEROS_AT: usize = <usize>GROUP_TILES * ADDRESSES;

/** 3 × 3 taps with stride 1 over whole vectors of channels. */
function expect_tiles(tiles: i32, first: i32, pitch: i32, channels: i32, window: usize): void {
  expect_window(window, 0, 0);
  assert(field(window, Window.TAPS_Y) == 3 && field(window, Window.TAPS_X) == 3);
  assert(field(window, Window.STRIDE_Y) == 1 && field(window, Window.STRIDE_X) == 1);
  assert(field(window, Window.STEP_Y) == 1 && field(window, Window.STEP_X) == 1);
  expect_sizes(tiles | first | channels);
  expect_at_most(tiles, pitch);
}

/** Zeros for the pixels that lie outside. */
// @ts-ignore: decorator
@inline
function put_zeros(channels: i32, to: usize): void {
  for (const stop = to + (<usize>channels << 2); to < stop; to += 16) v128.store(to, i32x4.splat(0));
}

/**
 * packed[s, 4·i + j, t, l] = (Bᵀ d B)[i, j] of channel 4·s + l          what tile first + t sees, as strips for products
 *
 * d are the 4 × 4 pixels that a tile of 2 × 2 outputs sees through 3 × 3 taps.
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel; window  i32[16], see window.ts
 * writes    packed  f32[channels / 4, 16, pitch, 4], of each pitch the first `tiles`
 * requires  TAPS are 3, STRIDE and STEP 1; 4 divides channels ≤ 2^19; tiles ≤ pitch; tiles are counted over images, rows
 *           and columns, ⌈ROWS / 2⌉·⌈COLUMNS / 2⌉ to an image; 0 ≤ begin ≤ end ≤ tiles
 * splits    over tiles, anywhere
 * error     4 roundings per element, relative to the sum of absolute terms
 */
export function conv_winograd_seen_f32(
  tiles: i32, channels: i32, first: i32, pitch: i32, window: usize, x: usize, packed: usize, scratch: usize, begin: i32,
  end: i32,
): void {
  expect_range(tiles, begin, end);
  expect_tiles(tiles, first, pitch, channels, window);
  assert(channels % STRIP_ROWS == 0 && field(window, Window.PIXEL) >= channels);
  expect_aligned(x | packed);
  expect_scratch(scratch, <i64>(ZEROS_AT >> 2) + channels);
  const zeros = scratch + ZEROS_AT;
  put_zeros(channels, zeros);
  const placeBytes = <usize>pitch << 4;
  const bytes = <usize>channels << 2;
  for (let t = begin; t < end; t += GROUP_TILES) {
    const count = <usize>min(GROUP_TILES, end - t);
    for (let i: usize = 0; i < count; i++) find_sources(first + t + <i32>i, window, x, zeros, scratch + i * ADDRESSES);
    let to = packed + (<usize>t << 4);
    for (let c: usize = 0; c < bytes; c += 16, to += <usize>PLACES * placeBytes) {
      for (let i: usize = 0; i < count; i++) put_seen(scratch + i * ADDRESSES, c, placeBytes, to + (i << 4));
    }
  }
}

/** The addresses of the 4 × 4 pixels that a tile sees, row by row. */
function find_sources(tile: i32, window: usize, x: usize, zeros: usize, to: usize): void {
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const across = (field(window, Window.COLUMNS) + 1) >> 1;
  const down = (field(window, Window.ROWS) + 1) >> 1;
  const line = tile / across;
  const image = line / down;
  const y0 = 2 * (line - image * down) + field(window, Window.FIRST_Y);
  const x0 = 2 * (tile - line * across) + field(window, Window.FIRST_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  x += <usize>image * source_bytes(window);
  for (let y = y0; y < y0 + 4; y++) {
    const inside = <u32>y < <u32>height;
    const row = x + <usize>y * <usize>width * pixelBytes;
    for (let at = x0; at < x0 + 4; at++, to += 4) {
      store<usize>(to, inside && <u32>at < <u32>width ? row + <usize>at * pixelBytes : zeros);
    }
  }
}

/** Bᵀ d B in four channels, c bytes into the pixels at the addresses. */
function put_seen(addresses: usize, c: usize, placeBytes: usize, to: usize): void {
  // Each row of pixels is transformed, and joins the rows above as soon as it can, so that few vectors wait.
  let d0 = pixel(addresses, 8, c), d1 = pixel(addresses, 9, c), d2 = pixel(addresses, 10, c), d3 = pixel(addresses, 11, c);
  const c0 = f32x4.sub(d0, d2), c1 = f32x4.add(d1, d2), c2 = f32x4.sub(d2, d1), c3 = f32x4.sub(d1, d3);
  d0 = pixel(addresses, 0, c), d1 = pixel(addresses, 1, c), d2 = pixel(addresses, 2, c), d3 = pixel(addresses, 3, c);
  const a0 = f32x4.sub(d0, d2), a1 = f32x4.add(d1, d2), a2 = f32x4.sub(d2, d1), a3 = f32x4.sub(d1, d3);
  put_row(f32x4.sub(a0, c0), f32x4.sub(a1, c1), f32x4.sub(a2, c2), f32x4.sub(a3, c3), placeBytes, to);
  d0 = pixel(addresses, 4, c), d1 = pixel(addresses, 5, c), d2 = pixel(addresses, 6, c), d3 = pixel(addresses, 7, c);
  const b0 = f32x4.sub(d0, d2), b1 = f32x4.add(d1, d2), b2 = f32x4.sub(d2, d1), b3 = f32x4.sub(d1, d3);
  to += 4 * placeBytes;
  put_row(f32x4.add(b0, c0), f32x4.add(b1, c1), f32x4.add(b2, c2), f32x4.add(b3, c3), placeBytes, to);
  to += 4 * placeBytes;
  put_row(f32x4.sub(c0, b0), f32x4.sub(c1, b1), f32x4.sub(c2, b2), f32x4.sub(c3, b3), placeBytes, to);
  d0 = pixel(addresses, 12, c), d1 = pixel(addresses, 13, c), d2 = pixel(addresses, 14, c), d3 = pixel(addresses, 15, c);
  const e0 = f32x4.sub(d0, d2), e1 = f32x4.add(d1, d2), e2 = f32x4.sub(d2, d1), e3 = f32x4.sub(d1, d3);
  to += 4 * placeBytes;
  put_row(f32x4.sub(b0, e0), f32x4.sub(b1, e1), f32x4.sub(b2, e2), f32x4.sub(b3, e3), placeBytes, to);
}

/** Four channels of pixel i. */
// @ts-ignore: decorator
@inline
function pixel(addresses: usize, i: usize, c: usize): v128 {
  return v128.load(load<usize>(addresses + (i << 2)) + c);
}

/** Four places of a row. */
// @ts-ignore: decorator
@inline
function put_row(p0: v128, p1: v128, p2: v128, p3: v128, placeBytes: usize, to: usize): void {
  v128.store(to, p0);
  v128.store(to + placeBytes, p1);
  v128.store(to + 2 * placeBytes, p2);
  v128.store(to + 3 * placeBytes, p3);
}

/**
 * packed[p, 4·i + j, t, l] = ±(A dy Aᵀ)[i, j] of output 8·p + l          gradients of tile first + t, as panels for products
 *
 * The sign is − where exactly one of i and j is 3: conv_winograd_grad_weight_f32 knows. Outputs past the rim count as 0.
 *
 * reads     dy  f32[images, ROWS, COLUMNS, n] with the strides OUT_IMAGE, OUT_ROW, OUT_PIXEL; window  i32[16], see window.ts
 * writes    packed  f32[n / 8, 16, pitch, 8], of each pitch the first `tiles`
 * requires  TAPS are 3, STRIDE and STEP 1; 8 divides n ≤ 2^19; tiles ≤ pitch, counted as in conv_winograd_seen_f32;
 *           0 ≤ begin ≤ end ≤ tiles
 * splits    over tiles, anywhere
 * error     2 roundings per element, relative to the sum of absolute terms
 */
export function conv_winograd_spread_f32(
  tiles: i32, n: i32, first: i32, pitch: i32, window: usize, dy: usize, packed: usize, scratch: usize, begin: i32,
  end: i32,
): void {
  expect_range(tiles, begin, end);
  expect_tiles(tiles, first, pitch, n, window);
  assert(n % PANEL_COLUMNS == 0);
  expect_aligned(dy | packed);
  expect_scratch(scratch, <i64>(ZEROS_AT >> 2) + n);
  const zeros = scratch + ZEROS_AT;
  put_zeros(n, zeros);
  const placeBytes = <usize>pitch << 5;
  const bytes = <usize>n << 2;
  for (let t = begin; t < end; t += GROUP_TILES) {
    const count = <usize>min(GROUP_TILES, end - t);
    for (let i: usize = 0; i < count; i++) find_outputs(first + t + <i32>i, window, dy, zeros, scratch + i * ADDRESSES);
    let to = packed + (<usize>t << 5);
    for (let c: usize = 0; c < bytes; c += 32, to += <usize>PLACES * placeBytes) {
      for (let i: usize = 0; i < count; i++) {
        put_spread(scratch + i * ADDRESSES, c, placeBytes, to + (i << 5));
        put_spread(scratch + i * ADDRESSES, c + 16, placeBytes, to + (i << 5) + 16);
      }
    }
  }
}

/** The addresses of the 2 × 2 outputs of a tile, row by row. */
function find_outputs(tile: i32, window: usize, y: usize, zeros: usize, to: usize): void {
  const columns = field(window, Window.COLUMNS);
  const across = (columns + 1) >> 1;
  const down = (field(window, Window.ROWS) + 1) >> 1;
  const line = tile / across;
  const image = line / down;
  const row = 2 * (line - image * down);
  const column = 2 * (tile - line * across);
  const rowBytes = <usize>field(window, Window.OUT_ROW) << 2;
  const pixelBytes = <usize>field(window, Window.OUT_PIXEL) << 2;
  y += (<usize>image * <usize>field(window, Window.OUT_IMAGE)) << 2;
  y += <usize>row * rowBytes + <usize>column * pixelBytes;
  const below = row + 1 < field(window, Window.ROWS);
  const beside = column + 1 < columns;
  store<usize>(to, y);
  store<usize>(to, beside ? y + pixelBytes : zeros, 4);
  store<usize>(to, below ? y + rowBytes : zeros, 8);
  store<usize>(to, below && beside ? y + rowBytes + pixelBytes : zeros, 12);
}

/** A dy Aᵀ without its signs, in four outputs. */
function put_spread(addresses: usize, c: usize, placeBytes: usize, to: usize): void {
  const y00 = pixel(addresses, 0, c), y01 = pixel(addresses, 1, c);
  const y10 = pixel(addresses, 2, c), y11 = pixel(addresses, 3, c);
  put_pair(y00, y01, placeBytes, to);
  to += 4 * placeBytes;
  put_pair(f32x4.add(y00, y10), f32x4.add(y01, y11), placeBytes, to);
  to += 4 * placeBytes;
  put_pair(f32x4.sub(y00, y10), f32x4.sub(y01, y11), placeBytes, to);
  to += 4 * placeBytes;
  put_pair(y10, y11, placeBytes, to);
}

// @ts-ignore: decorator
@inline
function put_pair(left: v128, right: v128, placeBytes: usize, to: usize): void {
  put_row(left, f32x4.add(left, right), f32x4.sub(left, right), right, placeBytes, to);
}

/**
 * sums[p, place, c, l] = Σ_t seen[c, place, t]·spread[p, place, t, l] + β·sums[p, place, c, l]          a block of tiles
 *
 * reads     seen  f32[channels / 4, 16, pitch, 4], of conv_winograd_seen_f32
 *           spread  f32[n / 8, 16, pitch, 8], of conv_winograd_spread_f32; of each pitch the first `tiles`
 * writes    sums  f32[n / 8, 16, channels, 8]
 * requires  parts = 16·n / 8, one after the other for each place; 8 divides n, 4 channels; tiles ≤ pitch; β is 0 or 1;
 *           0 ≤ begin ≤ end ≤ parts
 * splits    over parts, anywhere
 * error     tiles + 1 roundings per element, relative to the sum of absolute terms
 */
export function conv_winograd_products_f32(
  parts: i32, n: i32, channels: i32, tiles: i32, pitch: i32, seen: usize, spread: usize, beta: f32, sums: usize,
  begin: i32, end: i32,
): void {
  expect_range(parts, begin, end);
  expect_sizes(n | channels | tiles);
  assert(channels % STRIP_ROWS == 0 && n % PANEL_COLUMNS == 0 && parts == PLACES * (n / PANEL_COLUMNS));
  expect_at_most(tiles, pitch);
  expect_aligned(seen | spread | sums);
  expect_beta(beta);
  const panels = n / PANEL_COLUMNS;
  const stripBytes = (<usize>PLACES * <usize>pitch) << 4;
  for (let part = begin; part < end; part++) {
    const place = part / panels;
    const panel = <usize>((part - place * panels) * PLACES + place);
    const b = spread + ((panel * <usize>pitch) << 5);
    let a = seen + ((<usize>place * <usize>pitch) << 4);
    let to = sums + ((panel * <usize>channels) << 5);
    for (let c = 0; c < channels; c += STRIP_ROWS, a += stripBytes, to += 4 * 32) {
      tile_4x8(tiles, a, b, beta != 0 ? to : 0, 32, to, 32);
    }
  }
}

/**
 * dw[8·p + l, c] = α·Gᵀ S G + β·dw[8·p + l, c], S[i, j] = ±sums[p, 4·i + j, c, l]          the end of the gradient by tiles
 *
 * The sign is that of conv_winograd_spread_f32.
 *
 * reads     sums  f32[n / 8, 16, channels, 8] by conv_winograd_products_f32
 * writes    dw  f32[n, channels, 3, 3], strides out_stride, channel_stride, y_stride, x_stride, which may be negative
 * requires  8·panels = n; β is 0 or 1; 0 ≤ begin ≤ end ≤ panels
 * splits    over panels, anywhere
 * error     6 roundings, relative to the sum of absolute terms
 */
export function conv_winograd_grad_weight_f32(
  panels: i32, n: i32, channels: i32, alpha: f32, sums: usize, beta: f32, dw: usize, out_stride: i32, channel_stride: i32,
  y_stride: i32, x_stride: i32, begin: i32, end: i32,
): void {
  expect_range(panels, begin, end);
  expect_blocks(panels, n, PANEL_COLUMNS);
  assert(n % PANEL_COLUMNS == 0);
  expect_aligned(sums | dw);
  expect_sizes(channels);
  expect_beta(beta);
  const placeBytes = <usize>channels << 5;
  for (let p = begin; p < end; p++) {
    const panel = sums + <usize>(p * PLACES) * placeBytes;
    for (let c = 0; c < channels; c++) {
      const from = panel + (<usize>c << 5);
      const to = dw + <usize>((p * PANEL_COLUMNS * out_stride + c * channel_stride) << 2);
      put_gradient(alpha, from, placeBytes, beta != 0, to, out_stride << 2, y_stride << 2, x_stride << 2);
      const half = to + <usize>(out_stride << 4);
      put_gradient(alpha, from + 16, placeBytes, beta != 0, half, out_stride << 2, y_stride << 2, x_stride << 2);
    }
  }
}

/** α·Gᵀ S G of four outputs, column by column of S, plus what is there if `add`. */
function put_gradient(
  alpha: f32, from: usize, placeBytes: usize, add: bool, to: usize, outBytes: i32, yBytes: i32, xBytes: i32,
): void {
  const scale = f32x4.splat(alpha);
  const half = f32x4.splat(0.5);
  for (let i = 0; i < 3; i++, to += yBytes) {
    const s0 = mixed(i, from, placeBytes);
    const s1 = mixed(i, from + placeBytes, placeBytes);
    const s2 = mixed(i, from + 2 * placeBytes, placeBytes);
    const s3 = mixed(i, from + 3 * placeBytes, placeBytes);
    const middle = f32x4.mul(half, f32x4.add(s1, s2));
    put(f32x4.mul(scale, f32x4.add(s0, middle)), add, to, outBytes);
    put(f32x4.mul(scale, f32x4.mul(half, f32x4.sub(s1, s2))), add, to + xBytes, outBytes);
    put(f32x4.mul(scale, f32x4.sub(middle, s3)), add, to + 2 * xBytes, outBytes);
  }
}

/** Row i of Gᵀ times one column of S. */
// @ts-ignore: decorator
@inline
function mixed(i: i32, from: usize, placeBytes: usize): v128 {
  const half = f32x4.splat(0.5);
  const s1 = v128.load(from + 4 * placeBytes);
  const s2 = v128.load(from + 8 * placeBytes);
  if (i == 1) return f32x4.mul(half, f32x4.sub(s1, s2));
  const middle = f32x4.mul(half, f32x4.add(s1, s2));
  if (i == 0) return f32x4.add(v128.load(from), middle);
  return f32x4.sub(middle, v128.load(from + 12 * placeBytes));
}

/** One tap of four outputs. */
// @ts-ignore: decorator
@inline
function put(v: v128, add: bool, to: usize, outBytes: i32): void {
  if (add) {
    let old = v128.load32_zero(to);
    old = v128.load32_lane(to + outBytes, old, 1);
    old = v128.load32_lane(to + 2 * outBytes, old, 2);
    v = f32x4.add(v, v128.load32_lane(to + 3 * outBytes, old, 3));
  }
  v128.store32_lane(to, v, 0);
  v128.store32_lane(to + outBytes, v, 1);
  v128.store32_lane(to + 2 * outBytes, v, 2);
  v128.store32_lane(to + 3 * outBytes, v, 3);
}
