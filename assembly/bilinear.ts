import { expect_aligned, expect_beta, expect_indices, expect_range, expect_rows, expect_sizes } from "./contract";
import { row_at } from "./rows";
import { add_scaled_span, fill_span } from "./span";

/**
 * y[b, oy, ox, c] = (1 − s)·((1 − t)·x[b, i, j, c] + t·x[b, i, j', c]) + s·((1 − t)·x[b, i', j, c] + t·x[b, i', j', c])
 *
 * with i = row_cell[oy], s = row_share[oy], j = col_cell[ox], t = col_share[ox]; i' and j' are the cells that follow, or
 * the last one again. The host decides where samples lie.
 *
 * reads     x  f32[images, in_rows, in_cols, channels], ldx elements from pixel to pixel;
 *           row_cell  i32[rows], row_share  f32[rows]; col_cell  i32[cols], col_share  f32[cols]
 * writes    y  f32[images, rows, cols, channels]
 * requires  lines = images·rows; cells inside the image; 0 ≤ begin ≤ end ≤ lines
 * splits    over lines, anywhere
 * error     six roundings, relative to the largest of the four
 */
export function resize_bilinear_f32(
  lines: i32, cols: i32, channels: i32, rows: i32, in_rows: i32, in_cols: i32, row_cell: usize, row_share: usize,
  col_cell: usize, col_share: usize, x: usize, ldx: i32, y: usize, begin: i32, end: i32,
): void {
  expect_range(lines, begin, end);
  expect_aligned(row_cell | row_share | col_cell | col_share | x | y);
  expect_rows(in_rows * in_cols, channels, ldx);
  expect_indices(rows, row_cell, 0, in_rows);
  expect_indices(cols, col_cell, 0, in_cols);
  const pixelBytes = <usize>channels << 2;
  for (let line = begin; line < end; line++) {
    const image = line / rows;
    const at = <usize>(line - image * rows) << 2;
    const cell = load<i32>(row_cell + at);
    const first = image * in_rows;
    const top = row_at(x, (first + cell) * in_cols, ldx);
    const bottom = row_at(x, (first + following(cell, in_rows)) * in_cols, ldx);
    const share = load<f32>(row_share + at);
    let to = y + <usize>line * <usize>cols * pixelBytes;
    for (let ox = 0; ox < cols; ox++, to += pixelBytes) {
      const j = load<i32>(col_cell + (<usize>ox << 2));
      const left = row_at(0, j, ldx);
      const right = row_at(0, following(j, in_cols), ldx);
      blend(channels, top, bottom, left, right, share, load<f32>(col_share + (<usize>ox << 2)), to);
    }
  }
}

/** The cell after one of `count`, or the last one again. */
// @ts-ignore: decorator
@inline
function following(cell: i32, count: i32): i32 {
  return cell + i32(cell + 1 < count);
}

/** y = (1 − s)·((1 − t)·top[left] + t·top[right]) + s·((1 − t)·bottom[left] + t·bottom[right]), over n channels */
function blend(n: i32, top: usize, bottom: usize, left: usize, right: usize, s: f32, t: f32, y: usize): void {
  const r: f32 = <f32>1 - s;
  const q: f32 = <f32>1 - t;
  const down = f32x4.splat(s);
  const up = f32x4.splat(r);
  const far = f32x4.splat(t);
  const near = f32x4.splat(q);
  let a = top + left, b = top + right, c = bottom + left, d = bottom + right;
  const stop = y + (<usize>n << 2);
  for (; y + 16 <= stop; a += 16, b += 16, c += 16, d += 16, y += 16) {
    const upper = f32x4.add(f32x4.mul(near, v128.load(a)), f32x4.mul(far, v128.load(b)));
    const lower = f32x4.add(f32x4.mul(near, v128.load(c)), f32x4.mul(far, v128.load(d)));
    v128.store(y, f32x4.add(f32x4.mul(up, upper), f32x4.mul(down, lower)));
  }
  for (; y < stop; a += 4, b += 4, c += 4, d += 4, y += 4) {
    const upper = q * load<f32>(a) + t * load<f32>(b);
    const lower = q * load<f32>(c) + t * load<f32>(d);
    store<f32>(y, r * upper + s * lower);
  }
}

/**
 * dx[b, i, j, c] = Σ weight·dy[b, oy, ox, c] over the outputs that see cell (i, j) + β·dx[b, i, j, c]          gradient of
 * resize_bilinear_f32; each line of cells looks for the lines of outputs that see it
 *
 * reads     dy  f32[images, rows, cols, channels]; cells and shares as in resize_bilinear_f32
 * writes    dx  f32[images, in_rows, in_cols, channels], lddx elements from pixel to pixel
 * requires  lines = images·in_rows; cells inside the image; β is 0 or 1; 0 ≤ begin ≤ end ≤ lines
 * splits    over lines, anywhere
 * error     four roundings per addend
 */
export function resize_bilinear_grad_f32(
  lines: i32, cols: i32, channels: i32, rows: i32, in_rows: i32, in_cols: i32, row_cell: usize, row_share: usize,
  col_cell: usize, col_share: usize, dy: usize, beta: f32, dx: usize, lddx: i32, begin: i32, end: i32,
): void {
  expect_range(lines, begin, end);
  expect_aligned(row_cell | row_share | col_cell | col_share | dy | dx);
  expect_sizes(cols | channels | rows | in_cols);
  expect_rows(in_rows * in_cols, channels, lddx);
  expect_indices(rows, row_cell, 0, in_rows);
  expect_indices(cols, col_cell, 0, in_cols);
  expect_beta(beta);
  const lineBytes = <usize>cols * <usize>channels << 2;
  for (let line = begin; line < end; line++) {
    const image = line / in_rows;
    const cell = line - image * in_rows;
    const to = row_at(dx, line * in_cols, lddx);
    if (beta == 0) for (let j = 0; j < in_cols; j++) fill_span(channels, 0, row_at(to, j, lddx));
    for (let oy = 0; oy < rows; oy++) {
      const upper = load<i32>(row_cell + (<usize>oy << 2));
      const lower = following(upper, in_rows);
      if (upper != cell && lower != cell) continue;
      const s = load<f32>(row_share + (<usize>oy << 2));
      const weight: f32 = (upper == cell ? <f32>1 - s : <f32>0) + (lower == cell ? s : <f32>0);
      spread(cols, channels, weight, in_cols, col_cell, col_share, dy + <usize>(image * rows + oy) * lineBytes, to, lddx);
    }
  }
}

/** Adds weight·dy, one line of outputs, to the cells of one line that it sees. */
function spread(
  cols: i32, channels: i32, weight: f32, in_cols: i32, col_cell: usize, col_share: usize, dy: usize, dx: usize,
  lddx: i32,
): void {
  for (let ox = 0; ox < cols; ox++, dy += <usize>channels << 2) {
    const j = load<i32>(col_cell + (<usize>ox << 2));
    const t = load<f32>(col_share + (<usize>ox << 2));
    const left = row_at(dx, j, lddx);
    const right = row_at(dx, following(j, in_cols), lddx);
    add_scaled_span(channels, weight * (<f32>1 - t), dy, left, left);
    if (t != 0) add_scaled_span(channels, weight * t, dy, right, right);
  }
}
