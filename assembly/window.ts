// Windows that slide over images: a convolution, its input gradient by phases, and pooling differ only in the numbers
// below. Images are [image, row, column, channel] with unit stride along channels, so what a tap sees is one run.

/**
 * The numbers of a window, i32 each, in this order. Output row r sees, through tap j, source row
 * r·STRIDE_Y + FIRST_Y + j·STEP_Y, which is zero outside 0 ≤ row < HEIGHT; columns likewise.
 */
export const enum Window {
  /** Rows and columns of a source image. */
  HEIGHT,
  WIDTH,
  /** Elements from one source pixel to the next; rows and images follow one another without gaps. */
  PIXEL,
  /** Rows and columns of an output image. */
  ROWS,
  COLUMNS,
  TAPS_Y,
  TAPS_X,
  STRIDE_Y,
  STRIDE_X,
  /** Source row and column under the first tap of output (0, 0); negative with padding. */
  FIRST_Y,
  FIRST_X,
  STEP_Y,
  STEP_X,
  /** Elements from one output image, row, pixel to the next. */
  OUT_IMAGE,
  OUT_ROW,
  OUT_PIXEL,
}

// @ts-ignore: decorator
@inline
export function field(window: usize, name: i32): i32 {
  return load<i32>(window + (<usize>name << 2));
}

/** A window whose outputs are `pixels` in whole images of `channels`. */
export function expect_window(window: usize, pixels: i32, channels: i32): void {
  if (ASC_NO_ASSERT) return;
  assert((window & 3) == 0);
  for (let i: i32 = Window.HEIGHT; i <= Window.TAPS_X; i++) assert(field(window, i) >= 0);
  for (let i: i32 = Window.STRIDE_Y; i <= Window.STRIDE_X; i++) assert(field(window, i) >= 1);
  for (let i: i32 = Window.OUT_IMAGE; i <= Window.OUT_PIXEL; i++) assert(field(window, i) >= 0);
  assert(channels >= 0);
  assert(field(window, Window.PIXEL) >= channels);
  const perImage = field(window, Window.ROWS) * field(window, Window.COLUMNS);
  if (pixels > 0) assert(perImage > 0 && pixels % perImage == 0);
}

/** Bytes of one source image. */
// @ts-ignore: decorator
@inline
export function source_bytes(window: usize): usize {
  const rows = <usize>field(window, Window.HEIGHT) * <usize>field(window, Window.WIDTH);
  return (rows * <usize>field(window, Window.PIXEL)) << 2;
}

/**
 * What one output pixel sees, `count` numbers of it, in the order [tap row, tap column, channel] from (tapY, tapX, c) on;
 * zero outside the image. May write up to three numbers past them.
 *
 * image is the source image of the pixel, (row, column) its place among the outputs.
 */
export function expand_pixel(
  window: usize, channels: i32, image: usize, row: i32, column: i32, tapY: i32, tapX: i32, c: i32, count: i32, to: usize,
): void {
  const height = field(window, Window.HEIGHT);
  const width = field(window, Window.WIDTH);
  const tapsX = field(window, Window.TAPS_X);
  const stepY = field(window, Window.STEP_Y);
  const stepX = field(window, Window.STEP_X);
  const pixelBytes = <usize>field(window, Window.PIXEL) << 2;
  const x0 = column * field(window, Window.STRIDE_X) + field(window, Window.FIRST_X);
  let y = row * field(window, Window.STRIDE_Y) + field(window, Window.FIRST_Y) + tapY * stepY;
  // Neighbouring taps that are neighbours in memory too make one run.
  const dense = stepX == 1 && pixelBytes == <usize>channels << 2 && x0 >= 0 && x0 + tapsX <= width;
  while (count > 0) {
    const line = image + <usize>y * <usize>width * pixelBytes;
    const inside = <u32>y < <u32>height;
    if (dense || !inside) {
      const run = min((tapsX - tapX) * channels - c, count);
      if (inside) copy_run(run, line + <usize>(x0 + tapX) * pixelBytes + (<usize>c << 2), to);
      else zero_run(run, to);
      to += <usize>run << 2;
      count -= run;
    } else {
      for (; tapX < tapsX && count > 0; tapX++) {
        const run = min(channels - c, count);
        const x = x0 + tapX * stepX;
        if (<u32>x < <u32>width) copy_run(run, line + <usize>x * pixelBytes + (<usize>c << 2), to);
        else zero_run(run, to);
        to += <usize>run << 2;
        count -= run;
        c = 0;
      }
    }
    tapX = 0;
    c = 0;
    y += stepY;
  }
}

/** Copies n numbers; most runs are short, so the call of copy_span would cost as much as the copy. */
// @ts-ignore: decorator
@inline
function copy_run(n: i32, from: usize, to: usize): void {
  for (; n >= 16; n -= 16, from += 64, to += 64) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    v128.store(to, v128.load(from, 48), 48);
  }
  for (; n >= 4; n -= 4, from += 16, to += 16) v128.store(to, v128.load(from));
  for (; n > 0; n--, from += 4, to += 4) store<f32>(to, load<f32>(from));
}

/** Zeros for n numbers and up to three more. */
// @ts-ignore: decorator
@inline
function zero_run(n: i32, to: usize): void {
  for (; n > 0; n -= 4, to += 16) v128.store(to, i32x4.splat(0));
}
