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
  for (let r = begin; r < end; r++) {
    const from = <usize>load<i32>(index + ((<usize>r) << 2)) * ldx;
    copy_span(cols, x + (from << 2), y + ((<usize>r * ldy) << 2));
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
  for (let r = 0; r < rows; r++) {
    const to = dx + ((<usize>load<i32>(index + ((<usize>r) << 2)) * lddx + begin) << 2);
    add_span(end - begin, dy + ((<usize>r * lddy + begin) << 2), to, to);
  }
}
