import {
  expect_aligned, expect_beta, expect_blocks, expect_range, expect_rows, expect_scratch, expect_sizes,
} from "./contract";
import { ROW_BYTES, ROW_TERMS } from "./conv_tile";
import { tile_4x8 } from "./gemm_tile";
import { pack_a, PANEL_COLUMNS, STRIP_ROWS } from "./pack";
import { expand_pixel, expect_window, field, source_bytes, Window } from "./window";

/** Pixels whose terms are summed in registers; then they join the total. */
// @ts-ignore: decorator
@inline
const BLOCK_PIXELS: i32 = 384;

/** Outputs whose gradients are packed at once (384 KiB): they stay in the second cache while all columns pass by. */
// @ts-ignore: decorator
@inline
const BLOCK_OUTPUTS: i32 = 256;

/** Scratch: one tile, a panel of columns, the packed outputs, the rows that unaligned columns are cut from. */
// @ts-ignore: decorator
@inline
const PANEL_AT: usize = 128;
// @ts-ignore: decorator
@inline
const OUTPUTS_AT: usize = PANEL_AT + (<usize>(BLOCK_PIXELS * PANEL_COLUMNS) << 2);
// @ts-ignore: decorator
@inline
const ROWS_AT: usize = OUTPUTS_AT + (<usize>(BLOCK_PIXELS * BLOCK_OUTPUTS) << 2);
// @ts-ignore: decorator
@inline
const SCRATCH_END: usize = ROWS_AT + <usize>BLOCK_PIXELS * ROW_BYTES;

/**
 * dw[o, t] = α·Σ_p dy[p, o]·seen(p)[t] + β·dw[o, t]          weight gradient of a convolution
 *
 * seen(p) is what pixel p sees of x through the window, in the order [tap row, tap column, channel].
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel
 *           dy  f32[pixels, n], row stride lddy; window  i32[16], see window.ts
 * writes    dw  f32[n, TAPS_Y·TAPS_X·channels], contiguous
 * requires  panels = ⌈TAPS_Y·TAPS_X·channels / 8⌉; pixels = images·ROWS·COLUMNS; β is 0 or 1; 0 ≤ begin ≤ end ≤ panels
 * splits    over panels of eight terms, anywhere
 * error     min(pixels, 384) + pixels / 384 + 2 roundings per element, relative to the sum of absolute terms
 */
export function conv_grad_weight_f32(
  panels: i32, n: i32, channels: i32, pixels: i32, window: usize, x: usize, dy: usize, lddy: i32, alpha: f32, beta: f32,
  dw: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(panels, begin, end);
  expect_window(window, pixels, channels);
  expect_aligned(x | dy | dw);
  expect_sizes(n);
  expect_rows(pixels, n, lddy);
  expect_beta(beta);
  const terms = field(window, Window.TAPS_Y) * field(window, Window.TAPS_X) * channels;
  expect_blocks(panels, terms, PANEL_COLUMNS);
  expect_scratch(scratch, <i64>SCRATCH_END >> 2);
  const dyBytes = <usize>lddy << 2;
  const outputs = scratch + OUTPUTS_AT;
  // With no pixels at all one empty block still overwrites or keeps dw.
  for (let p = 0; p < max(pixels, 1); p += BLOCK_PIXELS) {
    const count = min(BLOCK_PIXELS, pixels - p);
    const add = p > 0 || beta != 0;
    for (let o = 0; o < n; o += BLOCK_OUTPUTS) {
      const height = min(BLOCK_OUTPUTS, n - o);
      pack_a(height, count, alpha, dy + <usize>p * dyBytes + (<usize>o << 2), 4, dyBytes, outputs);
      const rows = dw + ((<usize>o * <usize>terms) << 2);
      if (channels % PANEL_COLUMNS == 0) {
        for (let panel = begin; panel < end; panel++) {
          pack_aligned(panel, p, count, channels, window, x, scratch + PANEL_AT);
          times_outputs(height, PANEL_COLUMNS, count, add, rows + (<usize>panel << 5), terms, scratch);
        }
      } else {
        unaligned_panels(height, p, count, channels, window, x, terms, add, rows, scratch, begin, end);
      }
    }
  }
}

/** A panel whose eight terms are channels of one tap: two vectors from each pixel, straight from the image. */
function pack_aligned(panel: i32, first: i32, count: i32, channels: i32, window: usize, x: usize, to: usize): void {
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const width = field(window, Window.WIDTH);
  const tapsX = field(window, Window.TAPS_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const strideX = field(window, Window.STRIDE_X);
  const tap = (panel * PANEL_COLUMNS) / channels;
  const tapY = tap / tapsX;
  const tapX = tap - tapY * tapsX;
  const fromX = field(window, Window.FIRST_X) + tapX * field(window, Window.STEP_X);
  const fromY = field(window, Window.FIRST_Y) + tapY * field(window, Window.STEP_Y);
  const imageBytes = source_bytes(window);
  const stepBytes = <usize>strideX * pixelBytes;
  x += <usize>(panel * PANEL_COLUMNS - tap * channels) << 2;
  let column = first % columns;
  let row = first / columns;
  let image = row / rows;
  row -= image * rows;
  while (count > 0) {
    let run = min(columns - column, count);
    count -= run;
    const y = row * field(window, Window.STRIDE_Y) + fromY;
    const inside = <u32>y < <u32>field(window, Window.HEIGHT);
    const line = x + <usize>image * imageBytes + <usize>y * <usize>width * pixelBytes;
    let at = column * strideX + fromX;
    for (; run > 0 && (!inside || at < 0); run--, at += strideX, to += 32) put_zeros(to);
    let from = line + <usize>at * pixelBytes;
    for (; run > 0 && at < width; run--, at += strideX, from += stepBytes, to += 32) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
    }
    for (; run > 0; run--, to += 32) put_zeros(to);
    column = 0;
    if (++row < rows) continue;
    row = 0;
    image++;
  }
}

// @ts-ignore: decorator
@inline
function put_zeros(to: usize): void {
  v128.store(to, i32x4.splat(0));
  v128.store(to, i32x4.splat(0), 16);
}

/** Panels whose terms may belong to several taps: what the pixels see is laid out as rows, and the panels cut from them. */
function unaligned_panels(
  height: i32, first: i32, count: i32, channels: i32, window: usize, x: usize, terms: i32, add: bool, dw: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  const rows = scratch + ROWS_AT;
  const panel = scratch + PANEL_AT;
  const stop = min(end * PANEL_COLUMNS, terms);
  for (let t = begin * PANEL_COLUMNS; t < stop; t += ROW_TERMS) {
    const width = min(ROW_TERMS, stop - t);
    expand_rows(first, count, channels, window, x, t, width, rows);
    for (let j = 0; j < width; j += PANEL_COLUMNS) {
      let from = rows + (<usize>j << 2);
      // Past the last term the panel holds what lies there; those columns stay in the spare tile.
      for (let at = panel, past = panel + (<usize>count << 5); at < past; at += 32, from += ROW_BYTES) {
        v128.store(at, v128.load(from));
        v128.store(at, v128.load(from, 16), 16);
      }
      const columns = min(PANEL_COLUMNS, width - j);
      times_outputs(height, columns, count, add, dw + (<usize>(t + j) << 2), terms, scratch);
    }
  }
}

/** `width` terms from t on of what each of `count` pixels sees. */
function expand_rows(
  first: i32, count: i32, channels: i32, window: usize, x: usize, t: i32, width: i32, to: usize,
): void {
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const tapsX = field(window, Window.TAPS_X);
  const imageBytes = source_bytes(window);
  const tap = t / channels;
  const tapY = tap / tapsX;
  const tapX = tap - tapY * tapsX;
  const c = t - tap * channels;
  for (let i = first; i < first + count; i++, to += ROW_BYTES) {
    const line = i / columns;
    const image = line / rows;
    const source = x + <usize>image * imageBytes;
    expand_pixel(window, channels, source, line - image * rows, i - line * columns, tapY, tapX, c, width, to);
  }
}

/** The packed outputs times the panel of `columns` ≤ 8 terms, to dw, whose rows are `terms` long. */
function times_outputs(height: i32, columns: i32, k: i32, add: bool, dw: usize, terms: i32, scratch: usize): void {
  const panel = scratch + PANEL_AT;
  const rowBytes = <usize>terms << 2;
  const stripBytes = <usize>(STRIP_ROWS * k) << 2;
  const whole = columns < PANEL_COLUMNS ? 0 : height & ~(STRIP_ROWS - 1);
  let a = scratch + OUTPUTS_AT;
  for (let i = 0; i < height; i += STRIP_ROWS, a += stripBytes, dw += 4 * rowBytes) {
    const inside = i < whole;
    tile_4x8(k, a, panel, inside && add ? dw : 0, rowBytes, inside ? dw : scratch, inside ? rowBytes : 32);
    if (!inside) copy_part(min(STRIP_ROWS, height - i), columns, scratch, add, dw, rowBytes);
  }
}

/** The part of a tile that lies inside dw, plus what is there if `add`. */
function copy_part(rows: i32, columns: i32, tile: usize, add: bool, to: usize, rowBytes: usize): void {
  const width = <usize>columns << 2;
  for (let i = 0; i < rows; i++, tile += 32, to += rowBytes) {
    for (let j: usize = 0; j < width; j += 4) {
      const sum = load<f32>(tile + j);
      store<f32>(to + j, add ? sum + load<f32>(to + j) : sum);
    }
  }
}
