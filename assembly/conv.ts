import { expect_aligned, expect_at_most, expect_beta, expect_blocks, expect_range, expect_scratch, expect_sizes } from "./contract";
import { ROW_BYTES, ROW_TERMS, tile_rows } from "./conv_tile";
import { PANEL_COLUMNS } from "./pack";
import { expand_pixel, expect_window, field, source_bytes, Window } from "./window";

/** Output pixels in a block: what they see (200 KiB) stays in the second cache while all panels of weights pass by. */
// @ts-ignore: decorator
@inline
const BLOCK_PIXELS: i32 = 128;

/** Pixels of a register tile. */
// @ts-ignore: decorator
@inline
const STRIP_PIXELS: i32 = 4;

/** Scratch: where the pixels of a block lie in y, then one tile, then the rows. */
// @ts-ignore: decorator
@inline
const PLACES_BYTES: usize = 512;
// @ts-ignore: decorator
@inline
const TILE_BYTES: usize = 128;

/**
 * y[p, o] = Σ_t seen(p)[from + t]·w[t, o] + bias[o] + β·y[p, o]          one block of terms of a convolution
 *
 * seen(p) is what pixel p sees of x through the window, in the order [tap row, tap column, channel].
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel
 *           window  i32[16], see window.ts; packed  f32[⌈n / 8⌉, terms, 8] by conv_pack_weight_f32
 *           bias  f32[n], or 0 for none
 * writes    y  f32[images, ROWS, COLUMNS, n] with the strides OUT_IMAGE, OUT_ROW, OUT_PIXEL
 * requires  pixels = images·ROWS·COLUMNS; from + terms ≤ TAPS_Y·TAPS_X·channels; terms ≤ 384; β is 0 or 1;
 *           0 ≤ begin ≤ end ≤ pixels
 * splits    over pixels, anywhere; multiples of 4 leave no tile partly used
 * error     terms + 2 roundings per element, relative to the sum of absolute terms
 */
export function conv_f32(
  pixels: i32, n: i32, channels: i32, window: usize, x: usize, from: i32, terms: i32, packed: usize, bias: usize,
  beta: f32, y: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(pixels, begin, end);
  expect_window(window, pixels, channels);
  expect_aligned(x | packed | bias | y);
  expect_sizes(n | from | terms);
  expect_at_most(terms, ROW_TERMS);
  expect_at_most(from + terms, field(window, Window.TAPS_Y) * field(window, Window.TAPS_X) * channels);
  expect_beta(beta);
  expect_scratch(scratch, <i64>(PLACES_BYTES + TILE_BYTES + <usize>BLOCK_PIXELS * ROW_BYTES) >> 2);
  const panelBytes = <usize>(PANEL_COLUMNS * terms) << 2;
  for (let i = begin; i < end; i += BLOCK_PIXELS) {
    const count = min(BLOCK_PIXELS, end - i);
    gather(i, count, channels, window, x, from, terms, y, scratch);
    let panel = packed;
    for (let j = 0; j < n; j += PANEL_COLUMNS, panel += panelBytes) {
      const columnBias = bias ? bias + (<usize>j << 2) : 0;
      times_panel(count, min(n - j, PANEL_COLUMNS), terms, panel, columnBias, beta != 0, <usize>j << 2, scratch);
    }
  }
}

/** What the pixels of a block see, as rows, and where they lie in y. */
function gather(
  first: i32, count: i32, channels: i32, window: usize, x: usize, from: i32, terms: i32, y: usize, scratch: usize,
): void {
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const tapsX = field(window, Window.TAPS_X);
  const tap = terms > 0 ? from / channels : 0;
  const tapY = terms > 0 ? tap / tapsX : 0;
  const tapX = tap - tapY * tapsX;
  const c = from - tap * channels;
  let column = first % columns;
  let row = first / columns;
  let image = row / rows;
  row -= image * rows;
  const imageBytes = source_bytes(window);
  let to = scratch + PLACES_BYTES + TILE_BYTES;
  for (let i = 0; i < count; i++, to += ROW_BYTES) {
    expand_pixel(window, channels, x + <usize>image * imageBytes, row, column, tapY, tapX, c, terms, to);
    const outImage = <usize>image * <usize>field(window, Window.OUT_IMAGE);
    const place = outImage + <usize>row * field(window, Window.OUT_ROW) + <usize>column * field(window, Window.OUT_PIXEL);
    store<usize>(scratch + (<usize>i << 2), y + (place << 2));
    if (++column < columns) continue;
    column = 0;
    if (++row < rows) continue;
    row = 0;
    image++;
  }
}

/** The rows of a block times one panel of n ≤ 8 weights, to the columns of y that begin columnBytes into a pixel. */
function times_panel(
  count: i32, n: i32, k: i32, panel: usize, bias: usize, add: bool, columnBytes: usize, scratch: usize,
): void {
  const whole = n < PANEL_COLUMNS ? 0 : count & ~(STRIP_PIXELS - 1);
  const spare = scratch + PLACES_BYTES;
  let a = scratch + PLACES_BYTES + TILE_BYTES;
  let place = scratch;
  for (let i = 0; i < count; i += STRIP_PIXELS, a += 4 * ROW_BYTES, place += 16) {
    const inside = i < whole;
    const y0 = inside ? load<usize>(place) + columnBytes : spare;
    const y1 = inside ? load<usize>(place, 4) + columnBytes : spare + 32;
    const y2 = inside ? load<usize>(place, 8) + columnBytes : spare + 64;
    const y3 = inside ? load<usize>(place, 12) + columnBytes : spare + 96;
    tile_rows(k, a, panel, inside ? bias : 0, inside && add, y0, y1, y2, y3);
    if (!inside) copy_part(min(STRIP_PIXELS, count - i), n, spare, bias, add, place, columnBytes);
  }
}

/** The part of a tile that lies inside y, plus the bias, plus what is there if `add`. */
function copy_part(
  pixels: i32, n: i32, tile: usize, bias: usize, add: bool, places: usize, columnBytes: usize,
): void {
  const width = <usize>n << 2;
  for (let i = 0; i < pixels; i++, tile += 32, places += 4) {
    const to = load<usize>(places) + columnBytes;
    for (let j: usize = 0; j < width; j += 4) {
      let sum = load<f32>(tile + j);
      if (bias) sum += load<f32>(bias + j);
      if (add) sum += load<f32>(to + j);
      store<f32>(to + j, sum);
    }
  }
}

/**
 * packed[p, t, l] = α·w[8·p + l, from + t], zero where 8·p + l ≥ n          weights of conv_f32 as panels of eight outputs
 *
 * Term t is ((tap row)·taps_x + tap column)·channels + channel. Strides may be negative: the input gradient reads taps
 * backwards.
 *
 * reads     w  f32[n, channels, taps_y, taps_x], strides out_stride, channel_stride, y_stride, x_stride
 * writes    packed  f32[panels, terms, 8], contiguous
 * requires  panels = ⌈n / 8⌉; from + terms ≤ taps_y·taps_x·channels; 0 ≤ begin ≤ end ≤ panels
 * splits    over panels, anywhere
 * error     one rounding per element
 */
export function conv_pack_weight_f32(
  panels: i32, n: i32, channels: i32, taps_x: i32, from: i32, terms: i32, alpha: f32, w: usize, out_stride: i32,
  channel_stride: i32, y_stride: i32, x_stride: i32, packed: usize, begin: i32, end: i32,
): void {
  expect_range(panels, begin, end);
  expect_blocks(panels, n, PANEL_COLUMNS);
  expect_aligned(w | packed);
  expect_sizes(channels | taps_x | from | terms);
  if (terms == 0) return;
  const outBytes = out_stride << 2;
  const channelBytes = channel_stride << 2;
  const tap = from / channels;
  for (let p = begin; p < end; p++) {
    const lanes = min(PANEL_COLUMNS, n - p * PANEL_COLUMNS);
    const base = w + <usize>(p * PANEL_COLUMNS * outBytes);
    let to = packed + (<usize>(p * terms) << 5);
    let tapY = tap / taps_x;
    let tapX = tap - tapY * taps_x;
    let c = from - tap * channels;
    for (let left = terms; left > 0; ) {
      const run = min(channels - c, left);
      const start = base + <usize>((tapY * y_stride + tapX * x_stride) << 2) + <usize>(c * channelBytes);
      pack_run(run, lanes, alpha, start, channelBytes, outBytes, to);
      to += <usize>run << 5;
      left -= run;
      c = 0;
      if (++tapX == taps_x) {
        tapX = 0;
        tapY++;
      }
    }
  }
}

/** For each of `run` channels the weights of `lanes` outputs, then zeros up to eight. */
function pack_run(run: i32, lanes: i32, alpha: f32, from: usize, stepBytes: i32, laneBytes: i32, to: usize): void {
  for (let i = 0; i < run; i++, from += stepBytes, to += 32) {
    if (lanes == PANEL_COLUMNS) {
      let at = from;
      for (let lane: usize = 0; lane < 32; lane += 16) {
        let v = v128.load32_zero(at);
        v = v128.load32_lane(at + laneBytes, v, 1);
        v = v128.load32_lane(at + 2 * laneBytes, v, 2);
        v = v128.load32_lane(at + 3 * laneBytes, v, 3);
        v128.store(to + lane, f32x4.mul(f32x4.splat(alpha), v));
        at += 4 * laneBytes;
      }
    } else {
      for (let lane = 0; lane < PANEL_COLUMNS; lane++) {
        store<f32>(to + (<usize>lane << 2), lane < lanes ? alpha * load<f32>(from + lane * laneBytes) : 0);
      }
    }
  }
}
