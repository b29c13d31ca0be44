import { expect_aligned, expect_beta, expect_divisor, expect_indices, expect_range, expect_rows } from "./contract";
import { row_at } from "./rows";
import { fill_span, move_span } from "./span";

/**
 * y[b·to + i] = x[b·from + index[i]] + β·y[b·to + i], and a row of zeros in place of x where index[i] is −1
 *
 * reads     x  f32[·, cols], row stride ldx, `from` rows per item; index  i32[to]
 * writes    y  f32[rows, cols], row stride ldy, `to` rows per item
 * requires  −1 ≤ index[i] < from; to divides rows; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     one rounding if β is 1, else none
 */
export function move_rows_f32(
  rows: i32,
  cols: i32,
  x: usize,
  ldx: i32,
  from: i32,
  index: usize,
  to: i32,
  beta: f32,
  y: usize,
  ldy: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | index | y);
  expect_rows(rows, cols, ldy);
  expect_rows(from, cols, ldx);
  expect_divisor(to, rows);
  expect_indices(to, index, -1, from);
  expect_beta(beta);
  if (begin >= end) return;
  let first = (begin / to) * from;
  let i = begin % to;
  for (let r = begin; r < end; r++) {
    const at = load<i32>(index + (<usize>i << 2));
    const row = row_at(y, r, ldy);
    if (at >= 0) move_span(cols, row_at(x, first + at, ldx), beta, row);
    else if (beta == 0) fill_span(cols, 0, row);
    if (++i == to) {
      i = 0;
      first += from;
    }
  }
}
