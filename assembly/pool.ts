import { expect_aligned, expect_beta, expect_range } from "./contract";
import { load_part, store_part } from "./lanes";
import { expect_window, field, source_bytes, Window } from "./window";

/**
 * y[p, c] = max over taps t inside the image of seen(p)[t, c]; taps[p, c] = the first t that attains it. NaN wins.
 *
 * seen(p) is what pixel p sees of x through the window; tap t is (tap row)·TAPS_X + tap column.
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel; window  i32[16], see window.ts
 * writes    y  f32[pixels, channels]; taps  i32[pixels, channels]
 * requires  pixels = images·ROWS·COLUMNS; steps of the window are positive; 0 ≤ begin ≤ end ≤ pixels
 * splits    over pixels, anywhere
 * error     none
 */
export function max_pool_f32(
  pixels: i32, channels: i32, window: usize, x: usize, y: usize, taps: usize, begin: i32, end: i32,
): void {
  expect_range(pixels, begin, end);
  expect_window(window, pixels, channels);
  assert(field(window, Window.STEP_Y) >= 1 && field(window, Window.STEP_X) >= 1);
  expect_aligned(x | y | taps);
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const imageBytes = source_bytes(window);
  const bytes = <usize>channels << 2;
  for (let i = begin; i < end; i++) {
    const line = i / columns;
    const image = line / rows;
    const source = x + <usize>image * imageBytes;
    const fromY = first_y(window, line - image * rows);
    const fromX = first_x(window, i - line * columns);
    const to = <usize>i * bytes;
    let c: usize = 0;
    for (; c + 64 <= bytes; c += 64) sixteen_largest(window, source + c, fromY, fromX, y + to + c, taps + to + c);
    for (; c < bytes; c += 16) four_largest(window, bytes - c, source + c, fromY, fromX, y + to + c, taps + to + c);
  }
}

/** The first tap inside the image, which is chosen if nothing is above −∞. */
function first_tap(window: usize, fromY: i32, fromX: i32): i32 {
  const tapsX = field(window, Window.TAPS_X);
  const stepY = field(window, Window.STEP_Y);
  const stepX = field(window, Window.STEP_X);
  let tap = 0;
  for (; fromY < 0; fromY += stepY) tap += tapsX;
  for (; fromX < 0; fromX += stepX) tap++;
  return tap;
}

/** The largest of what one pixel sees in sixteen channels. */
function sixteen_largest(window: usize, image: usize, fromY: i32, fromX: i32, y: usize, taps: usize): void {
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const tapsX = field(window, Window.TAPS_X);
  const stepX = field(window, Window.STEP_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  let best0 = f32x4.splat(-Infinity), best1 = best0, best2 = best0, best3 = best0;
  let at0 = i32x4.splat(first_tap(window, fromY, fromX)), at1 = at0, at2 = at0, at3 = at0;
  let tap = 0;
  for (let tapY = field(window, Window.TAPS_Y); tapY > 0; tapY--, fromY += field(window, Window.STEP_Y)) {
    const inside = <u32>fromY < <u32>height;
    const line = image + <usize>fromY * <usize>width * pixelBytes;
    for (let tapX = 0, atX = fromX; tapX < tapsX; tapX++, atX += stepX, tap++) {
      if (!inside || <u32>atX >= <u32>width) continue;
      const from = line + <usize>atX * pixelBytes;
      const here = i32x4.splat(tap);
      let v = v128.load(from);
      let better = exceeds(v, best0);
      best0 = v128.bitselect(v, best0, better), at0 = v128.bitselect(here, at0, better);
      v = v128.load(from, 16), better = exceeds(v, best1);
      best1 = v128.bitselect(v, best1, better), at1 = v128.bitselect(here, at1, better);
      v = v128.load(from, 32), better = exceeds(v, best2);
      best2 = v128.bitselect(v, best2, better), at2 = v128.bitselect(here, at2, better);
      v = v128.load(from, 48), better = exceeds(v, best3);
      best3 = v128.bitselect(v, best3, better), at3 = v128.bitselect(here, at3, better);
    }
  }
  v128.store(y, best0), v128.store(y, best1, 16), v128.store(y, best2, 32), v128.store(y, best3, 48);
  v128.store(taps, at0), v128.store(taps, at1, 16), v128.store(taps, at2, 32), v128.store(taps, at3, 48);
}

/** Lanes where v is larger, or NaN. */
// @ts-ignore: decorator
@inline
function exceeds(v: v128, best: v128): v128 {
  return v128.or(f32x4.gt(v, best), f32x4.ne(v, v));
}

/** The same in four channels, or in the `left` bytes of them that remain. */
function four_largest(
  window: usize, left: usize, image: usize, fromY: i32, fromX: i32, y: usize, taps: usize,
): void {
  const zero = f32x4.splat(0);
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const tapsX = field(window, Window.TAPS_X);
  const stepX = field(window, Window.STEP_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  let best = f32x4.splat(-Infinity);
  let at = i32x4.splat(first_tap(window, fromY, fromX));
  let tap = 0;
  for (let tapY = field(window, Window.TAPS_Y); tapY > 0; tapY--, fromY += field(window, Window.STEP_Y)) {
    const inside = <u32>fromY < <u32>height;
    const line = image + <usize>fromY * <usize>width * pixelBytes;
    for (let tapX = 0, atX = fromX; tapX < tapsX; tapX++, atX += stepX, tap++) {
      if (!inside || <u32>atX >= <u32>width) continue;
      const v = load_part(line + <usize>atX * pixelBytes, left, zero);
      const better = exceeds(v, best);
      best = v128.bitselect(v, best, better);
      at = v128.bitselect(i32x4.splat(tap), at, better);
    }
  }
  store_part(y, left, best);
  store_part(taps, left, at);
}

/**
 * dx[q, c] = Σ dy[p, c] over the windows p whose largest element is q, + β·dx[q, c]          gathered, so that no two
 * threads write to one element
 *
 * reads     dy  f32[images·ROWS·COLUMNS, channels]; taps  i32 likewise, from max_pool_f32; window  i32[16], the same
 * writes    dx  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel
 * requires  pixels = images·HEIGHT·WIDTH; β is 0 or 1; 0 ≤ begin ≤ end ≤ pixels
 * splits    over pixels, anywhere
 * error     TAPS_Y·TAPS_X + 1 roundings, relative to the sum of absolute terms
 */
export function max_pool_grad_f32(
  pixels: i32, channels: i32, window: usize, dy: usize, taps: usize, beta: f32, dx: usize, begin: i32, end: i32,
): void {
  expect_range(pixels, begin, end);
  expect_window(window, 0, channels);
  expect_aligned(dy | taps | dx);
  expect_beta(beta);
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const outputs = <usize>field(window, Window.ROWS) * <usize>field(window, Window.COLUMNS);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const bytes = <usize>channels << 2;
  for (let i = begin; i < end; i++) {
    const line = i / width;
    const image = line / height;
    const to = dx + <usize>i * pixelBytes;
    clear_unless(beta, bytes, to);
    const skip = <usize>image * outputs * bytes;
    add_windows(window, bytes, line - image * height, i - line * width, dy + skip, taps + skip, to);
  }
}

function clear_unless(beta: f32, bytes: usize, to: usize): void {
  if (beta != 0) return;
  for (let c: usize = 0; c < bytes; c += 16) store_part(to + c, bytes - c, f32x4.splat(0));
}

/** Adds to one source pixel the gradients of those windows, in the order of taps, that chose it. */
function add_windows(window: usize, bytes: usize, row: i32, column: i32, dy: usize, taps: usize, dx: usize): void {
  const columns = field(window, Window.COLUMNS);
  const tapsY = field(window, Window.TAPS_Y);
  const tapsX = field(window, Window.TAPS_X);
  let fromY = row - field(window, Window.FIRST_Y);
  for (let tapY = 0; tapY < tapsY; tapY++, fromY -= field(window, Window.STEP_Y)) {
    const y = seen_by(fromY, field(window, Window.STRIDE_Y), field(window, Window.ROWS));
    if (y < 0) continue;
    let fromX = column - field(window, Window.FIRST_X);
    for (let tapX = 0; tapX < tapsX; tapX++, fromX -= field(window, Window.STEP_X)) {
      const x = seen_by(fromX, field(window, Window.STRIDE_X), columns);
      if (x < 0) continue;
      const at = (<usize>y * <usize>columns + <usize>x) * bytes;
      add_chosen(tapY * tapsX + tapX, bytes, dy + at, taps + at, dx);
    }
  }
}

/** The output in 0 … count − 1 whose window starts at `from`, or −1. */
// @ts-ignore: decorator
@inline
function seen_by(from: i32, stride: i32, count: i32): i32 {
  if (from < 0) return -1;
  const at = stride == 1 ? from : from / stride;
  return at * stride == from && at < count ? at : -1;
}

/** dx += dy where taps is `tap` */
function add_chosen(tap: i32, bytes: usize, dy: usize, taps: usize, dx: usize): void {
  const zero = f32x4.splat(0);
  const wanted = i32x4.splat(tap);
  for (let c: usize = 0; c < bytes; c += 16) {
    const left = bytes - c;
    const chosen = i32x4.eq(load_part(taps + c, left, zero), wanted);
    const g = v128.and(load_part(dy + c, left, zero), chosen);
    store_part(dx + c, left, f32x4.add(load_part(dx + c, left, zero), g));
  }
}

/**
 * y[p, c] = Σ_t seen(p)[t, c] / n(p)          n(p) = the number of taps, or if `inside` is 1 of those inside the image
 *
 * reads     x  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel; window  i32[16], see window.ts
 * writes    y  f32[pixels, channels]
 * requires  steps of the window are 1; pixels = images·ROWS·COLUMNS; 0 ≤ begin ≤ end ≤ pixels
 * splits    over pixels, anywhere
 * error     TAPS_Y + TAPS_X + 1 roundings, relative to the mean of absolute values
 */
export function avg_pool_f32(
  pixels: i32, channels: i32, window: usize, inside: i32, x: usize, y: usize, begin: i32, end: i32,
): void {
  expect_range(pixels, begin, end);
  expect_window(window, pixels, channels);
  assert(field(window, Window.STEP_Y) == 1 && field(window, Window.STEP_X) == 1);
  expect_aligned(x | y);
  const rows = field(window, Window.ROWS);
  const columns = field(window, Window.COLUMNS);
  const width = field(window, Window.WIDTH);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const lineBytes = <usize>width * pixelBytes;
  const imageBytes = source_bytes(window);
  const bytes = <usize>channels << 2;
  for (let i = begin; i < end; i++) {
    const line = i / columns;
    const image = line / rows;
    const fromY = first_y(window, line - image * rows);
    const fromX = first_x(window, i - line * columns);
    const y0 = max(fromY, 0);
    const x0 = max(fromX, 0);
    const height = max(min(fromY + field(window, Window.TAPS_Y), field(window, Window.HEIGHT)) - y0, 0);
    const across = max(min(fromX + field(window, Window.TAPS_X), width) - x0, 0);
    const source = x + <usize>image * imageBytes + <usize>y0 * lineBytes + <usize>x0 * pixelBytes;
    const divisor = share_of(window, inside, height, across);
    for (let c: usize = 0; c < bytes; c += 16) {
      const sum = box_sum(height, across, bytes - c, source + c, lineBytes, pixelBytes);
      store_part(y + <usize>i * bytes + c, bytes - c, f32x4.mul(sum, f32x4.splat(divisor)));
    }
  }
}

// @ts-ignore: decorator
@inline
function first_y(window: usize, row: i32): i32 {
  return row * field(window, Window.STRIDE_Y) + field(window, Window.FIRST_Y);
}

// @ts-ignore: decorator
@inline
function first_x(window: usize, column: i32): i32 {
  return column * field(window, Window.STRIDE_X) + field(window, Window.FIRST_X);
}

/** The share of one tap in a window of which height × width lie inside the image. */
// @ts-ignore: decorator
@inline
function share_of(window: usize, inside: i32, height: i32, width: i32): f32 {
  const taps = inside == 1 ? height * width : field(window, Window.TAPS_Y) * field(window, Window.TAPS_X);
  return <f32>1 / <f32>taps;
}

/** Σ over a box of pixels in four channels; each row is summed before it joins the total. */
function box_sum(height: i32, width: i32, left: usize, x: usize, lineBytes: usize, pixelBytes: usize): v128 {
  const zero = f32x4.splat(0);
  let total = zero;
  for (; height > 0; height--, x += lineBytes) {
    let sum = zero;
    let from = x;
    for (let j = width; j > 0; j--, from += pixelBytes) sum = f32x4.add(sum, load_part(from, left, zero));
    total = f32x4.add(total, sum);
  }
  return total;
}

/**
 * dx[q, c] = Σ dy[p, c] / n(p) over the windows p that see q, + β·dx[q, c]          gathered, as in max_pool_grad_f32
 *
 * reads     dy  f32[images·ROWS·COLUMNS, channels]; window  i32[16], that of avg_pool_f32, as is `inside`
 * writes    dx  f32[images, HEIGHT, WIDTH, channels], PIXEL elements from pixel to pixel
 * requires  steps of the window are 1; pixels = images·HEIGHT·WIDTH; β is 0 or 1; 0 ≤ begin ≤ end ≤ pixels
 * splits    over pixels, anywhere
 * error     as many roundings as windows overlap, plus 2, relative to the sum of absolute terms
 */
export function avg_pool_grad_f32(
  pixels: i32, channels: i32, window: usize, inside: i32, dy: usize, beta: f32, dx: usize, begin: i32, end: i32,
): void {
  expect_range(pixels, begin, end);
  expect_window(window, 0, channels);
  assert(field(window, Window.STEP_Y) == 1 && field(window, Window.STEP_X) == 1);
  expect_aligned(dy | dx);
  expect_beta(beta);
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const outputs = <usize>field(window, Window.ROWS) * <usize>field(window, Window.COLUMNS);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const bytes = <usize>channels << 2;
  for (let i = begin; i < end; i++) {
    const line = i / width;
    const image = line / height;
    const from = dy + <usize>image * outputs * bytes;
    const to = dx + <usize>i * pixelBytes;
    clear_unless(beta, bytes, to);
    add_shares(window, bytes, line - image * height, i - line * width, inside, from, to);
  }
}

/** Adds to one source pixel its share of every window that sees it. */
function add_shares(window: usize, bytes: usize, row: i32, column: i32, inside: i32, dy: usize, dx: usize): void {
  const tapsY = field(window, Window.TAPS_Y);
  const tapsX = field(window, Window.TAPS_X);
  const strideY = field(window, Window.STRIDE_Y);
  const strideX = field(window, Window.STRIDE_X);
  const columns = field(window, Window.COLUMNS);
  const fromY = row - field(window, Window.FIRST_Y);
  const fromX = column - field(window, Window.FIRST_X);
  const lastY = min(fromY / strideY, field(window, Window.ROWS) - 1);
  const lastX = min(fromX / strideX, columns - 1);
  // Windows start at or before a pixel, and less than their size before it.
  for (let y = max((fromY - tapsY + strideY) / strideY, 0); y <= lastY; y++) {
    const top = first_y(window, y);
    const height = min(top + tapsY, field(window, Window.HEIGHT)) - max(top, 0);
    for (let x = max((fromX - tapsX + strideX) / strideX, 0); x <= lastX; x++) {
      const start = first_x(window, x);
      const width = min(start + tapsX, field(window, Window.WIDTH)) - max(start, 0);
      const share = share_of(window, inside, height, width);
      add_scaled(share, bytes, dy + (<usize>y * <usize>columns + <usize>x) * bytes, dx);
    }
  }
}

/** dx += a·dy */
function add_scaled(a: f32, bytes: usize, dy: usize, dx: usize): void {
  const zero = f32x4.splat(0);
  for (let c: usize = 0; c < bytes; c += 16) {
    const left = bytes - c;
    const g = f32x4.mul(f32x4.splat(a), load_part(dy + c, left, zero));
    store_part(dx + c, left, f32x4.add(load_part(dx + c, left, zero), g));
  }
}
