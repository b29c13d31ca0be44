import { expect_aligned, expect_beta, expect_distinct, expect_range, expect_rows, expect_sizes } from "./contract";
import { row_at } from "./rows";
import { add_scaled_span, add_span, copy_span, fill_span, move_span, scale_span } from "./span";

/**
 * y[i] = a[i] + b[i]
 *
 * reads     a, b  f32[n], contiguous
 * writes    y     f32[n], contiguous; may be a or b itself
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     one rounding
 */
export function add_f32(n: i32, a: usize, b: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(a | b | y);
  const skip = (<usize>begin) << 2;
  add_span(end - begin, a + skip, b + skip, y + skip);
}

/**
 * y[i] = a[i] − b[i]
 *
 * reads     a, b  f32[n], contiguous
 * writes    y     f32[n], contiguous; may be a or b itself
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     one rounding
 */
export function subtract_f32(n: i32, a: usize, b: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(a | b | y);
  const skip = (<usize>begin) << 2;
  const stop = y + ((<usize>end) << 2);
  a += skip;
  b += skip;
  y += skip;
  for (; y + 32 <= stop; a += 32, b += 32, y += 32) {
    v128.store(y, f32x4.sub(v128.load(a), v128.load(b)));
    v128.store(y, f32x4.sub(v128.load(a, 16), v128.load(b, 16)), 16);
  }
  for (; y < stop; a += 4, b += 4, y += 4) store<f32>(y, load<f32>(a) - load<f32>(b));
}

/**
 * y[i] = a[i] · b[i]
 *
 * reads     a, b  f32[n], contiguous
 * writes    y     f32[n], contiguous; may be a or b itself
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     one rounding
 */
export function multiply_f32(n: i32, a: usize, b: usize, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(a | b | y);
  const skip = (<usize>begin) << 2;
  const stop = y + ((<usize>end) << 2);
  a += skip;
  b += skip;
  y += skip;
  for (; y + 32 <= stop; a += 32, b += 32, y += 32) {
    v128.store(y, f32x4.mul(v128.load(a), v128.load(b)));
    v128.store(y, f32x4.mul(v128.load(a, 16), v128.load(b, 16)), 16);
  }
  for (; y < stop; a += 4, b += 4, y += 4) store<f32>(y, load<f32>(a) * load<f32>(b));
}

/**
 * da[i] = dy[i] · b[i] + β·da[i]          gradient of multiply_f32 with respect to one factor
 *
 * reads     dy, b  f32[n], contiguous
 * writes    da     f32[n], contiguous
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     two roundings
 */
export function multiply_grad_f32(n: i32, dy: usize, b: usize, beta: f32, da: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(dy | b | da);
  expect_beta(beta);
  if (beta == 0) return multiply_f32(n, dy, b, da, begin, end);
  const skip = (<usize>begin) << 2;
  const stop = da + ((<usize>end) << 2);
  dy += skip;
  b += skip;
  da += skip;
  for (; da + 32 <= stop; dy += 32, b += 32, da += 32) {
    v128.store(da, f32x4.add(f32x4.mul(v128.load(dy), v128.load(b)), v128.load(da)));
    v128.store(da, f32x4.add(f32x4.mul(v128.load(dy, 16), v128.load(b, 16)), v128.load(da, 16)), 16);
  }
  for (; da < stop; dy += 4, b += 4, da += 4) store<f32>(da, load<f32>(dy) * load<f32>(b) + load<f32>(da));
}

/**
 * y[i] = α·x[i] + β·y[i]
 *
 * reads     x  f32[n], contiguous
 * writes    y  f32[n], contiguous; may be x itself
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     two roundings
 */
export function scale_f32(n: i32, alpha: f32, x: usize, beta: f32, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(x | y);
  expect_beta(beta);
  const skip = (<usize>begin) << 2;
  if (beta == 0) scale_span(end - begin, alpha, x + skip, y + skip);
  else add_scaled_span(end - begin, alpha, x + skip, y + skip, y + skip);
}

/**
 * y[i] = value
 *
 * reads     nothing
 * writes    y  f32[n], contiguous
 * requires  0 ≤ begin ≤ end ≤ n
 * splits    over n, anywhere
 * error     none
 */
export function fill_f32(n: i32, value: f32, y: usize, begin: i32, end: i32): void {
  expect_range(n, begin, end);
  expect_aligned(y);
  fill_span(end - begin, value, y + ((<usize>begin) << 2));
}

/**
 * y[r, c] = x[r, c] + row[c]
 *
 * reads     x  f32[rows, cols], row stride ldx; row  f32[cols]
 * writes    y  f32[rows, cols], row stride ldy; may be x itself
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     one rounding
 */
export function add_row_f32(
  rows: i32,
  cols: i32,
  x: usize,
  ldx: i32,
  row: usize,
  y: usize,
  ldy: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | row | y);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldy);
  for (let r = begin; r < end; r++) {
    add_span(cols, row_at(x, r, ldx), row, row_at(y, r, ldy));
  }
}

/**
 * y[i, j, k, l] = x[i, j, k, l] + β·y[i, j, k, l]          a copy between two layouts of up to four axes
 *
 * reads     x  f32[d0, d1, d2, d3], strides xs; a stride may be 0, which repeats x along that axis
 * writes    y  f32[d0, d1, d2, d3], strides ys; elements of y are distinct
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ d0; axes of a lower rank are given size 1
 * splits    over d0, anywhere
 * error     one rounding if β is 1, else none
 */
export function copy_f32(
  d0: i32,
  d1: i32,
  d2: i32,
  d3: i32,
  x: usize,
  xs0: i32,
  xs1: i32,
  xs2: i32,
  xs3: i32,
  beta: f32,
  y: usize,
  ys0: i32,
  ys1: i32,
  ys2: i32,
  ys3: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(d0, begin, end);
  expect_aligned(x | y);
  expect_sizes(xs0 | xs1 | xs2 | xs3);
  expect_distinct(d0, ys0);
  expect_distinct(d1, ys1);
  expect_distinct(d2, ys2);
  expect_distinct(d3, ys3);
  expect_beta(beta);
  x += (<usize>begin * xs0) << 2;
  y += (<usize>begin * ys0) << 2;
  d0 = end - begin;
  if (d1 == 1 && d2 == 1) {
    // A matrix: its rows take the place of the third axis, where copy_matrix works in tiles.
    d2 = d0;
    xs2 = xs0;
    ys2 = ys0;
    d0 = 1;
  }
  for (let i = 0; i < d0; i++) {
    for (let j = 0; j < d1; j++) {
      const from = x + ((<usize>i * xs0 + <usize>j * xs1) << 2);
      const to = y + ((<usize>i * ys0 + <usize>j * ys1) << 2);
      copy_matrix(d2, d3, from, xs2, xs3, beta, to, ys2, ys3);
    }
  }
}

function copy_matrix(rows: i32, cols: i32, x: usize, xr: i32, xc: i32, beta: f32, y: usize, yr: i32, yc: i32): void {
  if (xc == 1 && yc == 1) {
    if (xr == cols && yr == cols) return move_span(rows * cols, x, beta, y);
    for (let r = 0; r < rows; r++) move_span(cols, row_at(x, r, xr), beta, row_at(y, r, yr));
  } else if (xr == 1 && yc == 1) {
    transpose(rows, cols, x, xc, beta, y, yr);
  } else if (xc == 1 && yr == 1) {
    transpose(cols, rows, x, xr, beta, y, yc);
  } else if (xc == 0 && yc == 1 && beta == 0) {
    for (let r = 0; r < rows; r++) fill_span(cols, load<f32>(row_at(x, r, xr)), row_at(y, r, yr));
  } else {
    for (let r = 0; r < rows; r++)
      move_strided(cols, row_at(x, r, xr), xc, beta, row_at(y, r, yr), yc);
  }
}

/** y[r, c] = x[c, r] + β·y[r, c], in tiles of 4 × 4, four tiles high, so that whole cache lines of x are used at once. */
function transpose(rows: i32, cols: i32, x: usize, ldx: i32, beta: f32, y: usize, ldy: i32): void {
  const wholeRows = rows & ~3;
  const wholeCols = cols & ~3;
  for (let top = 0; top < wholeRows; top += 16) {
    const bottom = min(top + 16, wholeRows);
    for (let c = 0; c < wholeCols; c += 4) {
      for (let r = top; r < bottom; r += 4) {
        transpose_tile(
          x + ((<usize>c * ldx + r) << 2),
          (<usize>ldx) << 2,
          beta,
          y + ((<usize>r * ldy + c) << 2),
          (<usize>ldy) << 2,
        );
      }
    }
  }
  const restCols = cols - wholeCols;
  for (let r = 0; r < wholeRows; r++) {
    move_strided(
      restCols,
      x + ((<usize>wholeCols * ldx + r) << 2),
      ldx,
      beta,
      y + ((<usize>r * ldy + wholeCols) << 2),
      1,
    );
  }
  for (let r = wholeRows; r < rows; r++)
    move_strided(cols, x + ((<usize>r) << 2), ldx, beta, row_at(y, r, ldy), 1);
}

// @ts-ignore: decorator
@inline
function transpose_tile(x: usize, xStep: usize, beta: f32, y: usize, yStep: usize): void {
  const a = v128.load(x);
  const b = v128.load(x + xStep);
  const c = v128.load(x + 2 * xStep);
  const d = v128.load(x + 3 * xStep);
  const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  move_vector(v128.shuffle<f32>(abLow, cdLow, 0, 1, 4, 5), beta, y);
  move_vector(v128.shuffle<f32>(abLow, cdLow, 2, 3, 6, 7), beta, y + yStep);
  move_vector(v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5), beta, y + 2 * yStep);
  move_vector(v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7), beta, y + 3 * yStep);
}

// @ts-ignore: decorator
@inline
function move_vector(value: v128, beta: f32, y: usize): void {
  v128.store(y, beta == 0 ? value : f32x4.add(value, v128.load(y)));
}

function move_strided(n: i32, x: usize, xStep: i32, beta: f32, y: usize, yStep: i32): void {
  const xBytes = (<usize>xStep) << 2;
  const yBytes = (<usize>yStep) << 2;
  if (beta == 0) {
    for (let i = 0; i < n; i++, x += xBytes, y += yBytes) store<i32>(y, load<i32>(x));
  } else {
    for (let i = 0; i < n; i++, x += xBytes, y += yBytes) store<f32>(y, load<f32>(x) + load<f32>(y));
  }
}
