import {
  expect_aligned, expect_at_most, expect_beta, expect_blocks, expect_range, expect_scratch, expect_sizes,
} from "./contract";
import { ROW_BYTES, ROW_TERMS, tile_rows } from "./conv_tile";
import { PANEL_COLUMNS } from "./pack";
import { expect_window, field, source_bytes, Window } from "./window";

/** Tiles of 2 × 2 outputs in a block: what they see, transformed (800 KiB at most), stays in the second cache. */
// @ts-ignore: decorator
@inline
const BLOCK_TILES: i32 = 32;

/** Places of a transformed tile: 4 × 4. */
// @ts-ignore: decorator
@inline
export const PLACES: i32 = 16;

/** From one place to the next of what a block sees. */
// @ts-ignore: decorator
@inline
const PLACE_BYTES: usize = <usize>BLOCK_TILES * ROW_BYTES;

/** Scratch: zeros, the products of one panel, what the tiles see. */
// @ts-ignore: decorator
@inline
const PRODUCTS_AT: usize = ROW_BYTES;
// @ts-ignore: decorator
@inline
const SEEN_AT: usize = PRODUCTS_AT + (<usize>(PLACES * BLOCK_TILES * PANEL_COLUMNS) << 2);
// @ts-ignore: decorator
@inline
const SCRATCH_END: usize = SEEN_AT + <usize>PLACES * PLACE_BYTES;

/**
 * y = (seen ⋆ w) + bias + β·y with 3 × 3 taps and stride 1, in 16 products where the definition has 36          each tile
 * of 2 × 2 outputs is Aᵀ[Σ_c U ⊙ (Bᵀ d B)]A, d the 4 × 4 pixels that it sees (Winograd; Lavin, Gray 2016)
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel
 *           window  i32[16], see window.ts; packed  f32[n / 8, 16, channels, 8] by conv_winograd_weight_f32
 *           bias  f32[n], or 0 for none
 * writes    y  f32[images, ROWS, COLUMNS, n] with the strides OUT_IMAGE, OUT_ROW, OUT_PIXEL
 * requires  TAPS are 3, STRIDE and STEP 1; tiles = images·⌈ROWS / 2⌉·⌈COLUMNS / 2⌉; 4 divides channels ≤ 384, 8 divides n;
 *           β is 0 or 1; 0 ≤ begin ≤ end ≤ tiles
 * splits    over tiles, anywhere; multiples of 4 leave no register tile partly used
 * error     channels + 12 roundings of 3 times the definition's sum of absolute terms
 */
export function conv_winograd_f32(
  tiles: i32, n: i32, channels: i32, window: usize, x: usize, packed: usize, bias: usize, beta: f32, y: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  expect_range(tiles, begin, end);
  expect_window(window, 0, channels);
  assert(field(window, Window.TAPS_Y) == 3 && field(window, Window.TAPS_X) == 3);
  assert(field(window, Window.STRIDE_Y) == 1 && field(window, Window.STRIDE_X) == 1);
  assert(field(window, Window.STEP_Y) == 1 && field(window, Window.STEP_X) == 1);
  expect_aligned(x | packed | bias | y);
  expect_at_most(channels, ROW_TERMS);
  assert(channels % 4 == 0 && n % PANEL_COLUMNS == 0);
  expect_beta(beta);
  expect_scratch(scratch, <i64>SCRATCH_END >> 2);
  const panelBytes = <usize>(PLACES * channels * PANEL_COLUMNS) << 2;
  for (let c: usize = 0; c < ROW_BYTES; c += 16) v128.store(scratch + c, i32x4.splat(0));
  for (let i = begin; i < end; i += BLOCK_TILES) {
    const count = min(BLOCK_TILES, end - i);
    for (let t = 0; t < count; t++) see_tile(i + t, channels, window, x, scratch, scratch + SEEN_AT + <usize>t * ROW_BYTES);
    let panel = packed;
    for (let j = 0; j < n; j += PANEL_COLUMNS, panel += panelBytes) {
      times_panel(count, channels, panel, scratch);
      const columnBias = bias ? bias + (<usize>j << 2) : scratch;
      for (let t = 0; t < count; t++) {
        const products = scratch + PRODUCTS_AT + (<usize>(t * PANEL_COLUMNS) << 2);
        put_tile(i + t, window, products, columnBias, beta != 0, y + (<usize>j << 2));
      }
    }
  }
}

/** One column of d, or one row of what became of them, transformed: (d0 − d2, d1 + d2, d2 − d1, d1 − d3). */
// @ts-ignore: decorator
@inline
function put_transformed(d0: v128, d1: v128, d2: v128, d3: v128, to: usize): void {
  v128.store(to, f32x4.sub(d0, d2));
  v128.store(to, f32x4.add(d1, d2), PLACE_BYTES);
  v128.store(to, f32x4.sub(d2, d1), 2 * PLACE_BYTES);
  v128.store(to, f32x4.sub(d1, d3), 3 * PLACE_BYTES);
}

/** Bᵀ d B of one tile, channel by channel: place (i, j) goes to (4·i + j)·PLACE_BYTES. */
function see_tile(tile: i32, channels: i32, window: usize, x: usize, zeros: usize, to: usize): void {
  const width = field(window, Window.WIDTH);
  const across = (field(window, Window.COLUMNS) + 1) >> 1;
  const down = (field(window, Window.ROWS) + 1) >> 1;
  const line = tile / across;
  const image = line / down;
  const y0 = 2 * (line - image * down) + field(window, Window.FIRST_Y);
  const x0 = 2 * (tile - line * across) + field(window, Window.FIRST_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  x += <usize>image * source_bytes(window);
  // Rows of the tile first: each column of four pixels gives four numbers, left in place and transformed once more below.
  for (let j = 0; j < 4; j++) {
    const inside = <u32>(x0 + j) < <u32>width;
    const column = x + <usize>(x0 + j) * pixelBytes;
    const p0 = pixel_at(0, y0, inside, window, column, pixelBytes, zeros);
    const p1 = pixel_at(1, y0, inside, window, column, pixelBytes, zeros);
    const p2 = pixel_at(2, y0, inside, window, column, pixelBytes, zeros);
    const p3 = pixel_at(3, y0, inside, window, column, pixelBytes, zeros);
    const at = to + <usize>j * PLACE_BYTES;
    for (let c: usize = 0; c < <usize>channels << 2; c += 16) {
      const d0 = v128.load(p0 + c);
      const d1 = v128.load(p1 + c);
      const d2 = v128.load(p2 + c);
      const d3 = v128.load(p3 + c);
      v128.store(at + c, f32x4.sub(d0, d2));
      v128.store(at + c, f32x4.add(d1, d2), 4 * PLACE_BYTES);
      v128.store(at + c, f32x4.sub(d2, d1), 8 * PLACE_BYTES);
      v128.store(at + c, f32x4.sub(d1, d3), 12 * PLACE_BYTES);
    }
  }
  for (let i = 0; i < 4; i++, to += 4 * PLACE_BYTES) {
    for (let at = to, stop = to + (<usize>channels << 2); at < stop; at += 16) {
      const d0 = v128.load(at);
      const d1 = v128.load(at, PLACE_BYTES);
      const d2 = v128.load(at, 2 * PLACE_BYTES);
      const d3 = v128.load(at, 3 * PLACE_BYTES);
      put_transformed(d0, d1, d2, d3, at);
    }
  }
}

/** Pixel i of a column of four, or zeros. */
// @ts-ignore: decorator
@inline
function pixel_at(
  i: i32, y0: i32, inside: bool, window: usize, column: usize, pixelBytes: usize, zeros: usize,
): usize {
  const y = y0 + i;
  if (!inside || <u32>y >= <u32>field(window, Window.HEIGHT)) return zeros;
  return column + <usize>y * <usize>field(window, Window.WIDTH) * pixelBytes;
}

/** For each place the product of what the tiles see with a panel of eight outputs; tiles past the last give rubbish. */
function times_panel(count: i32, channels: i32, panel: usize, scratch: usize): void {
  const placeBytes = <usize>(channels * PANEL_COLUMNS) << 2;
  let seen = scratch + SEEN_AT;
  let products = scratch + PRODUCTS_AT;
  for (let place = 0; place < PLACES; place++) {
    for (let t = 0; t < count; t += 4) {
      const a = seen + <usize>t * ROW_BYTES;
      const to = products + (<usize>t << 5);
      tile_rows(channels, a, panel, 0, false, to, to + 32, to + 64, to + 96);
    }
    seen += PLACE_BYTES;
    products += <usize>BLOCK_TILES << 5;
    panel += placeBytes;
  }
}

/** Aᵀ M A of one tile in eight outputs, plus bias, plus what is there if `add`, as far as it lies inside y. */
function put_tile(tile: i32, window: usize, products: usize, bias: usize, add: bool, y: usize): void {
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
  put_half(products, bias, add, below, beside, y, rowBytes, pixelBytes);
  put_half(products + 16, bias + 16, add, below, beside, y + 16, rowBytes, pixelBytes);
}

/** The same for four outputs. */
function put_half(
  m: usize, bias: usize, add: bool, below: bool, beside: bool, y: usize, rowBytes: usize, pixelBytes: usize,
): void {
  const b = v128.load(bias);
  let top0 = b, top1 = b, low0 = b, low1 = b;
  // Column j of M gives one number for each of two rows; columns 0, 1, 2 go to the left output, 1, −2, −3 to the right.
  for (let j = 0; j < 4; j++, m += 32 * BLOCK_TILES) {
    const m0 = v128.load(m);
    const m1 = v128.load(m, 4 * 32 * BLOCK_TILES);
    const m2 = v128.load(m, 8 * 32 * BLOCK_TILES);
    const m3 = v128.load(m, 12 * 32 * BLOCK_TILES);
    const top = f32x4.add(f32x4.add(m0, m1), m2);
    const low = f32x4.sub(f32x4.sub(m1, m2), m3);
    if (j < 3) {
      top0 = f32x4.add(top0, top);
      low0 = f32x4.add(low0, low);
    }
    if (j == 1) {
      top1 = f32x4.add(top1, top);
      low1 = f32x4.add(low1, low);
    } else if (j > 1) {
      top1 = f32x4.sub(top1, top);
      low1 = f32x4.sub(low1, low);
    }
  }
  put(top0, add, y);
  if (beside) put(top1, add, y + pixelBytes);
  if (below) put(low0, add, y + rowBytes);
  if (below && beside) put(low1, add, y + rowBytes + pixelBytes);
}

// @ts-ignore: decorator
@inline
function put(v: v128, add: bool, to: usize): void {
  v128.store(to, add ? f32x4.add(v, v128.load(to)) : v);
}

/**
 * packed[p, 4·i + j, c, l] = α·(G w[8·p + l, c] Gᵀ)[i, j]          weights of conv_winograd_f32; G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1]
 *
 * reads     w  f32[n, channels, 3, 3], strides out_stride, channel_stride, y_stride, x_stride, which may be negative
 * writes    packed  f32[panels, 16, channels, 8], contiguous
 * requires  8·panels = n; 0 ≤ begin ≤ end ≤ panels
 * splits    over panels, anywhere
 * error     5 roundings, relative to the sum of absolute terms
 */
export function conv_winograd_weight_f32(
  panels: i32, n: i32, channels: i32, alpha: f32, w: usize, out_stride: i32, channel_stride: i32, y_stride: i32,
  x_stride: i32, packed: usize, begin: i32, end: i32,
): void {
  expect_range(panels, begin, end);
  expect_blocks(panels, n, PANEL_COLUMNS);
  assert(n % PANEL_COLUMNS == 0);
  expect_aligned(w | packed);
  expect_sizes(channels);
  const outBytes = out_stride << 2;
  const placeBytes = <usize>channels << 5;
  for (let p = begin; p < end; p++) {
    const to = packed + <usize>(p * PLACES) * placeBytes;
    for (let c = 0; c < channels; c++) {
      for (let half = 0; half < PANEL_COLUMNS; half += 4) {
        const from = w + <usize>((p * PANEL_COLUMNS + half) * outBytes) + <usize>(c * channel_stride << 2);
        put_weights(alpha, from, outBytes, y_stride << 2, x_stride << 2, to + (<usize>c << 5) + (<usize>half << 2), placeBytes);
      }
    }
  }
}

/** One tap of four outputs. */
// @ts-ignore: decorator
@inline
function four_taps(from: usize, outBytes: i32): v128 {
  let v = v128.load32_zero(from);
  v = v128.load32_lane(from + outBytes, v, 1);
  v = v128.load32_lane(from + 2 * outBytes, v, 2);
  return v128.load32_lane(from + 3 * outBytes, v, 3);
}

/** α·G w Gᵀ of four outputs, row by row of w. */
function put_weights(
  alpha: f32, from: usize, outBytes: i32, yBytes: i32, xBytes: i32, to: usize, placeBytes: usize,
): void {
  const half = f32x4.splat(0.5);
  const scale = f32x4.splat(alpha);
  for (let j = 0; j < 4; j++, to += placeBytes) {
    // Column j of w Gᵀ, for each row of w.
    const w0 = f32x4.mul(scale, mixed(j, from, outBytes, xBytes));
    const w1 = f32x4.mul(scale, mixed(j, from + yBytes, outBytes, xBytes));
    const w2 = f32x4.mul(scale, mixed(j, from + 2 * yBytes, outBytes, xBytes));
    const ends = f32x4.add(w0, w2);
    v128.store(to, w0);
    v128.store(to + 4 * placeBytes, f32x4.mul(half, f32x4.add(ends, w1)));
    v128.store(to + 8 * placeBytes, f32x4.mul(half, f32x4.sub(ends, w1)));
    v128.store(to + 12 * placeBytes, w2);
  }
}

/** Row j of G times one row of three taps. */
// @ts-ignore: decorator
@inline
function mixed(j: i32, from: usize, outBytes: i32, xBytes: i32): v128 {
  if (j == 0) return four_taps(from, outBytes);
  if (j == 3) return four_taps(from + 2 * xBytes, outBytes);
  const ends = f32x4.add(four_taps(from, outBytes), four_taps(from + 2 * xBytes, outBytes));
  const middle = four_taps(from + xBytes, outBytes);
  return f32x4.mul(f32x4.splat(0.5), j == 1 ? f32x4.add(ends, middle) : f32x4.sub(ends, middle));
}
