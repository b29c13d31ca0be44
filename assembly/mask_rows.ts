import { expect_aligned, expect_beta, expect_range, expect_sizes } from "./contract";
import { row_at } from "./rows";
import { add_span, copy_span, fill_span, move_span } from "./span";

// @ts-ignore: decorator
@inline
function is_masked(mask: usize, r: i32): bool {
  return load<i32>(mask + (<usize>r << 2)) != 0;
}

/**
 * y[r] = mask[r] ? token : x[r]
 *
 * reads     x  f32[rows, cols], contiguous; mask  i32[rows]; token  f32[cols]
 * writes    y  f32[rows, cols], contiguous; may be x itself
 * requires  0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     none
 */
export function mask_rows_f32(
  rows: i32, cols: i32, x: usize, mask: usize, token: usize, y: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | mask | token | y);
  expect_sizes(cols);
  for (let r = begin; r < end; r++) {
    copy_span(cols, is_masked(mask, r) ? token : row_at(x, r, cols), row_at(y, r, cols));
  }
}

/**
 * dx[r] = (mask[r] ? 0 : dy[r]) + β·dx[r]
 *
 * reads     dy  f32[rows, cols], contiguous; mask  i32[rows]
 * writes    dx  f32[rows, cols], contiguous; may be dy itself
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     one rounding if β is 1, else none
 */
export function mask_rows_grad_f32(
  rows: i32, cols: i32, dy: usize, mask: usize, beta: f32, dx: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(dy | mask | dx);
  expect_sizes(cols);
  expect_beta(beta);
  for (let r = begin; r < end; r++) {
    const to = row_at(dx, r, cols);
    if (!is_masked(mask, r)) move_span(cols, row_at(dy, r, cols), beta, to);
    else if (beta == 0) fill_span(cols, 0, to);
  }
}

/**
 * dtoken[c] = Σ dy[r, c] over the r with mask[r] + β·dtoken[c]
 *
 * reads     dy  f32[rows, cols], contiguous; mask  i32[rows]
 * writes    dtoken  f32[cols]
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ cols
 * splits    over cols, anywhere
 * error     one rounding per addend
 */
export function mask_rows_grad_token_f32(
  cols: i32, rows: i32, dy: usize, mask: usize, beta: f32, dtoken: usize, begin: i32, end: i32,
): void {
  expect_range(cols, begin, end);
  expect_aligned(dy | mask | dtoken);
  expect_sizes(rows);
  expect_beta(beta);
  const n = end - begin;
  const skip = <usize>begin << 2;
  if (beta == 0) fill_span(n, 0, dtoken + skip);
  for (let r = 0; r < rows; r++) {
    if (is_masked(mask, r)) add_span(n, row_at(dy, r, cols) + skip, dtoken + skip, dtoken + skip);
  }
}
