import { expect_aligned, expect_indices, expect_range, expect_rows, expect_sizes, UNKNOWN } from "./contract";
import { row_at } from "./rows";
import { add_span, copy_span } from "./span";

/**
 * y[r, c] = x[index[r], c]
 *
 * reads     x  f32[·, cols], row stride ldx; index  i32[rows]
 * writes    y  f32[rows, cols], row stride ldy
 * requires  each index names a row of x; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none
 */
export function gather_rows_f32(
  rows: i32,
  cols: i32,
  x: usize,
  ldx: i32,
  index: usize,
  y: usize,
  ldy: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | index | y);
  expect_sizes(ldx);
  expect_rows(rows, cols, ldy);
  expect_indices(rows, index, 0, UNKNOWN);
  for (let r = begin; r < end; r++) {
    copy_span(cols, row_at(x, load<i32>(index + (<usize>r << 2)), ldx), row_at(y, r, ldy));
  }
}

/**
 * dx[index[r], c] += dy[r, c]          gradient of gather_rows_f32; rows that several r name collect them all, r ascending
 *
 * reads     dy  f32[rows, cols], row stride lddy; index  i32[rows]
 * writes    dx  f32[·, cols], row stride lddx; accumulates
 * requires  each index names a row of dx; 0 ≤ begin ≤ end ≤ cols
 * splits    over cols, anywhere, so that repeated indices never meet across threads
 * error     one rounding per addend
 */
export function scatter_add_rows_f32(
  cols: i32,
  rows: i32,
  dy: usize,
  lddy: i32,
  index: usize,
  dx: usize,
  lddx: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(cols, begin, end);
  expect_aligned(dy | index | dx);
  expect_rows(rows, cols, lddy);
  expect_sizes(lddx);
  expect_indices(rows, index, 0, UNKNOWN);
  const skip = <usize>begin << 2;
  for (let r = 0; r < rows; r++) {
    const to = row_at(dx, load<i32>(index + (<usize>r << 2)), lddx) + skip;
    add_span(end - begin, row_at(dy, r, lddy) + skip, to, to);
  }
}
