import { expect_aligned, expect_beta, expect_range, expect_rows } from "./contract";
import { keep_mask, load_part, madd, store_part } from "./lanes";
import { expect_window, field, source_bytes, Window } from "./window";

/**
 * y[p, c] = Σ_t seen(p)[t, c]·w[t, c] + bias[c] + β·y[p, c]          a convolution of each channel for itself
 *
 * seen(p) is what pixel p sees of x through the window, in the order [tap row, tap column, channel].
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel
 *           window  i32[16], see window.ts; w  f32[TAPS_Y·TAPS_X, channels]; bias  f32[channels], or 0 for none
 * writes    y  f32[images, ROWS, COLUMNS, channels] with the strides OUT_IMAGE, OUT_ROW, OUT_PIXEL
 * requires  pixels = images·ROWS·COLUMNS; β is 0 or 1; 0 ≤ begin ≤ end ≤ pixels
 * splits    over pixels, anywhere
 * error     TAPS_Y·TAPS_X + 2 roundings per element, relative to the sum of absolute terms
 */
export function conv_depthwise_f32(
  pixels: i32, channels: i32, window: usize, x: usize, w: usize, bias: usize, beta: f32, y: usize, begin: i32, end: i32,
): void {
  expect_range(pixels, begin, end);
  expect_window(window, pixels, channels);
  expect_aligned(x | w | bias | y);
  expect_beta(beta);
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const imageBytes = source_bytes(window);
  const bytes = <usize>channels << 2;
  for (let i = begin; i < end; i++) {
    const line = i / columns;
    const column = i - line * columns;
    const image = line / rows;
    const row = line - image * rows;
    const outImage = <usize>image * <usize>field(window, Window.OUT_IMAGE);
    const place = outImage + <usize>row * field(window, Window.OUT_ROW) + <usize>column * field(window, Window.OUT_PIXEL);
    const to = y + (place << 2);
    const source = x + <usize>image * imageBytes;
    let c: usize = 0;
    for (; c + 64 <= bytes; c += 64) {
      sixteen_channels(window, source + c, row, column, w + c, bytes, bias ? bias + c : 0, beta, to + c);
    }
    for (; c < bytes; c += 16) {
      four_channels(window, bytes - c, source + c, row, column, w + c, bytes, bias ? bias + c : 0, beta, to + c);
    }
  }
}

/** Sixteen channels of one output pixel; taps of w are tapBytes apart. */
function sixteen_channels(
  window: usize, image: usize, row: i32, column: i32, w: usize, tapBytes: usize, bias: usize, beta: f32, y: usize,
): void {
  const width = field(window, Window.WIDTH);
  const height = field(window, Window.HEIGHT);
  const tapsX = field(window, Window.TAPS_X);
  const stepX = field(window, Window.STEP_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const firstX = column * field(window, Window.STRIDE_X) + field(window, Window.FIRST_X);
  let fromY = row * field(window, Window.STRIDE_Y) + field(window, Window.FIRST_Y);
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let tapY = field(window, Window.TAPS_Y); tapY > 0; tapY--, fromY += field(window, Window.STEP_Y)) {
    if (<u32>fromY >= <u32>height) {
      w += <usize>tapsX * tapBytes;
      continue;
    }
    const line = image + <usize>fromY * <usize>width * pixelBytes;
    for (let tapX = 0, fromX = firstX; tapX < tapsX; tapX++, fromX += stepX, w += tapBytes) {
      if (<u32>fromX >= <u32>width) continue;
      const from = line + <usize>fromX * pixelBytes;
      s0 = madd(s0, v128.load(from), v128.load(w));
      s1 = madd(s1, v128.load(from, 16), v128.load(w, 16));
      s2 = madd(s2, v128.load(from, 32), v128.load(w, 32));
      s3 = madd(s3, v128.load(from, 48), v128.load(w, 48));
    }
  }
  put(s0, 16, bias, beta, y);
  put(s1, 16, bias ? bias + 16 : 0, beta, y + 16);
  put(s2, 16, bias ? bias + 32 : 0, beta, y + 32);
  put(s3, 16, bias ? bias + 48 : 0, beta, y + 48);
}

/** As above for four channels, or for the `left` bytes of them that remain. */
function four_channels(
  window: usize, left: usize, image: usize, row: i32, column: i32, w: usize, tapBytes: usize, bias: usize, beta: f32,
  y: usize,
): void {
  const zero = f32x4.splat(0);
  const width = field(window, Window.WIDTH);
  const height = field(window, Window.HEIGHT);
  const tapsX = field(window, Window.TAPS_X);
  const stepX = field(window, Window.STEP_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const firstX = column * field(window, Window.STRIDE_X) + field(window, Window.FIRST_X);
  let fromY = row * field(window, Window.STRIDE_Y) + field(window, Window.FIRST_Y);
  let sum = zero;
  for (let tapY = field(window, Window.TAPS_Y); tapY > 0; tapY--, fromY += field(window, Window.STEP_Y)) {
    const inside = <u32>fromY < <u32>height;
    const line = image + <usize>fromY * <usize>width * pixelBytes;
    for (let tapX = 0, fromX = firstX; tapX < tapsX; tapX++, fromX += stepX, w += tapBytes) {
      if (!inside || <u32>fromX >= <u32>width) continue;
      sum = madd(sum, load_part(line + <usize>fromX * pixelBytes, left, zero), load_part(w, left, zero));
    }
  }
  put(sum, left, bias, beta, y);
}

// @ts-ignore: decorator
@inline
function put(sum: v128, left: usize, bias: usize, beta: f32, y: usize): void {
  const zero = f32x4.splat(0);
  if (bias) sum = f32x4.add(sum, load_part(bias, left, zero));
  store_part(y, left, f32x4.add(sum, v128.and(load_part(y, left, zero), keep_mask(beta))));
}

/**
 * dw[t, c] = α·Σ_p dy[p, c]·seen(p)[t, c]          weight gradient of conv_depthwise_f32
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel
 *           dy  f32[pixels, channels], row stride lddy; window  i32[16], see window.ts
 * writes    dw  f32[TAPS_Y·TAPS_X, channels]
 * requires  pixels = images·ROWS·COLUMNS; 0 ≤ begin ≤ end ≤ channels
 * splits    over channels, anywhere
 * error     COLUMNS + pixels / COLUMNS + 1 roundings per element, relative to the sum of absolute terms
 */
export function conv_depthwise_grad_weight_f32(
  channels: i32, pixels: i32, window: usize, x: usize, dy: usize, lddy: i32, alpha: f32, dw: usize, begin: i32, end: i32,
): void {
  expect_range(channels, begin, end);
  expect_window(window, pixels, channels);
  expect_aligned(x | dy | dw);
  expect_rows(pixels, channels, lddy);
  const taps = field(window, Window.TAPS_Y) * field(window, Window.TAPS_X);
  const stop = <usize>end << 2;
  const bytes = <usize>channels << 2;
  const dyBytes = <usize>lddy << 2;
  let c = <usize>begin << 2;
  for (; c + 64 <= stop; c += 64) sixteen_sums(pixels, window, x + c, dy + c, dyBytes, alpha, dw + c, bytes);
  for (; c < stop; c += 16) {
    for (let tap = 0; tap < taps; tap++) {
      const sum = four_sums(tap, stop - c, pixels, window, x + c, dy + c, dyBytes);
      store_part(dw + <usize>tap * bytes + c, stop - c, f32x4.mul(f32x4.splat(alpha), sum));
    }
  }
}

/**
 * α·Σ_p dy[p]·seen(p)[tap] of every tap for sixteen channels, each output row summed before it joins the total. All taps
 * pass over a row while it is in the first cache.
 */
function sixteen_sums(
  pixels: i32, window: usize, x: usize, dy: usize, dyBytes: usize, alpha: f32, dw: usize, tapBytes: usize,
): void {
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const tapsY = field(window, Window.TAPS_Y);
  const tapsX = field(window, Window.TAPS_X);
  const lineBytes = (<usize>field(window, Window.WIDTH) * <usize>field(window, Window.PIXEL)) << 2;
  const past = dw + <usize>(tapsY * tapsX) * tapBytes;
  for (let to = dw; to < past; to += tapBytes) {
    for (let lane: usize = 0; lane < 64; lane += 16) v128.store(to + lane, f32x4.splat(0));
  }
  for (let p = 0, row = 0; p < pixels; p += columns, dy += <usize>columns * dyBytes) {
    const firstY = row * field(window, Window.STRIDE_Y) + field(window, Window.FIRST_Y);
    for (let tapY = 0; tapY < tapsY; tapY++) {
      const y = firstY + tapY * field(window, Window.STEP_Y);
      if (<u32>y >= <u32>field(window, Window.HEIGHT)) continue;
      const line = x + <usize>y * lineBytes;
      let to = dw + <usize>(tapY * tapsX) * tapBytes;
      for (let tapX = 0; tapX < tapsX; tapX++, to += tapBytes) add_row(tapX, window, line, dy, dyBytes, to);
    }
    if (++row < rows) continue;
    row = 0;
    x += source_bytes(window);
  }
  const scale = f32x4.splat(alpha);
  for (let to = dw; to < past; to += tapBytes) {
    for (let lane: usize = 0; lane < 64; lane += 16) v128.store(to + lane, f32x4.mul(scale, v128.load(to + lane)));
  }
}

/** Adds the sum over one output row, through one tap of a row of x, for sixteen channels. */
function add_row(tapX: i32, window: usize, line: usize, dy: usize, dyBytes: usize, to: usize): void {
  const columns = field(window, Window.COLUMNS);
  const width = field(window, Window.WIDTH);
  const strideX = field(window, Window.STRIDE_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const fromX = field(window, Window.FIRST_X) + tapX * field(window, Window.STEP_X);
  const before = min(fromX < 0 ? (strideX - 1 - fromX) / strideX : 0, columns);
  const after = fromX < width ? (width - 1 - fromX) / strideX + 1 : 0;
  let from = line + <usize>(fromX + before * strideX) * pixelBytes;
  let g = dy + <usize>before * dyBytes;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let i = min(after, columns) - before; i > 0; i--, g += dyBytes, from += <usize>strideX * pixelBytes) {
    s0 = madd(s0, v128.load(g), v128.load(from));
    s1 = madd(s1, v128.load(g, 16), v128.load(from, 16));
    s2 = madd(s2, v128.load(g, 32), v128.load(from, 32));
    s3 = madd(s3, v128.load(g, 48), v128.load(from, 48));
  }
  v128.store(to, f32x4.add(v128.load(to), s0));
  v128.store(to, f32x4.add(v128.load(to, 16), s1), 16);
  v128.store(to, f32x4.add(v128.load(to, 32), s2), 32);
  v128.store(to, f32x4.add(v128.load(to, 48), s3), 48);
}

/** Σ_p dy[p]·seen(p)[tap], in the same order, for four channels or for the `left` bytes of them that remain. */
function four_sums(
  tap: i32, left: usize, pixels: i32, window: usize, x: usize, dy: usize, dyBytes: usize,
): v128 {
  const zero = f32x4.splat(0);
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const strideX = field(window, Window.STRIDE_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const tapsX = field(window, Window.TAPS_X);
  const tapY = tap / tapsX;
  const fromY = field(window, Window.FIRST_Y) + tapY * field(window, Window.STEP_Y);
  const fromX = field(window, Window.FIRST_X) + (tap - tapY * tapsX) * field(window, Window.STEP_X);
  const imageBytes = source_bytes(window);
  const lineBytes = <usize>columns * dyBytes;
  let total = zero;
  let row = 0;
  for (let p = 0; p < pixels; p += columns, dy += lineBytes) {
    const y = row * field(window, Window.STRIDE_Y) + fromY;
    if (<u32>y < <u32>height) {
      const line = x + <usize>y * <usize>width * pixelBytes;
      let sum = zero;
      for (let i = 0, at = fromX; i < columns; i++, at += strideX) {
        if (<u32>at >= <u32>width) continue;
        const g = load_part(dy + <usize>i * dyBytes, left, zero);
        sum = madd(sum, g, load_part(line + <usize>at * pixelBytes, left, zero));
      }
      total = f32x4.add(total, sum);
    }
    if (++row < rows) continue;
    row = 0;
    x += imageBytes;
  }
  return total;
}
