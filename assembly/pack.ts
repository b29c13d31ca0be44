// Packed operands of a matrix product. A register tile wants, for each k in turn, a few neighbouring numbers of both.
// Packing lays them out in just that order, so that the tile walks two dense streams whatever the operands' strides: a
// product with a transposed operand, or with a slice of a wider matrix, differs from a plain one only in its packing.
import { expect_aligned, expect_blocks, expect_range, expect_sizes } from "./contract";

/** Columns of B in a panel: two vectors. */
// @ts-ignore: decorator
@inline
export const PANEL_COLUMNS: i32 = 8;

/** Rows of A in a strip: each is repeated over a vector as the tile reads it. */
// @ts-ignore: decorator
@inline
export const STRIP_ROWS: i32 = 4;

/**
 * packed[p, i, t] = b[i, 8·p + t], zero where 8·p + t ≥ n          B as panels of eight columns
 *
 * reads     b  f32[k, n], element (i, j) at i·row_stride + j·col_stride
 * writes    packed  f32[panels, k, 8], contiguous
 * requires  panels = ⌈n / 8⌉; 0 ≤ begin ≤ end ≤ panels
 * splits    over panels, anywhere
 * error     none
 */
export function pack_b_f32(
  panels: i32, k: i32, n: i32, b: usize, row_stride: i32, col_stride: i32, packed: usize, begin: i32, end: i32,
): void {
  expect_range(panels, begin, end);
  expect_aligned(b | packed);
  expect_blocks(panels, n, PANEL_COLUMNS);
  expect_sizes(k | row_stride | col_stride);
  const rowBytes = <usize>row_stride << 2;
  const colBytes = <usize>col_stride << 2;
  for (let p = begin; p < end; p++) {
    const columns = min(PANEL_COLUMNS, n - p * PANEL_COLUMNS);
    const from = b + <usize>(p * PANEL_COLUMNS) * colBytes;
    const to = packed + (<usize>(p * k) << 5);
    if (columns < PANEL_COLUMNS) pack_lanes(PANEL_COLUMNS, columns, k, 1, from, rowBytes, colBytes, to);
    else if (col_stride == 1) copy_pairs(k, from, rowBytes, to);
    else if (row_stride == 1) {
      weave(4, k, 1, from, colBytes, to, 32);
      weave(4, k, 1, from + 4 * colBytes, colBytes, to + 16, 32);
    } else pack_lanes(PANEL_COLUMNS, columns, k, 1, from, rowBytes, colBytes, to);
  }
}

/**
 * packed[s, i, t] = α·a[4·s + t, i], zero where 4·s + t ≥ m          A as strips of four rows; here α costs least
 *
 * Element (i, j) of a lies i·rowBytes + j·colBytes bytes from its start.
 */
export function pack_a(m: i32, k: i32, alpha: f32, a: usize, rowBytes: usize, colBytes: usize, packed: usize): void {
  let i = 0;
  if (rowBytes == 4 && colBytes != 4) {
    for (; i + 16 <= m; i += 16, a += 64, packed += <usize>k << 6) scale_lines(k, alpha, a, colBytes, packed);
  }
  for (; i < m; i += STRIP_ROWS, a += 4 * rowBytes, packed += <usize>k << 4) {
    const rows = min(STRIP_ROWS, m - i);
    if (rows < STRIP_ROWS) pack_lanes(STRIP_ROWS, rows, k, alpha, a, colBytes, rowBytes, packed);
    else if (colBytes == 4) weave(4, k, alpha, a, rowBytes, packed, 16);
    else if (rowBytes == 4) scale_quads(k, alpha, a, colBytes, packed);
    else pack_lanes(STRIP_ROWS, rows, k, alpha, a, colBytes, rowBytes, packed);
  }
}

/** Two vectors from each of k rows. */
function copy_pairs(k: i32, from: usize, stepBytes: usize, to: usize): void {
  for (const stop = to + (<usize>k << 5); to < stop; to += 32, from += stepBytes) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

/** One cache line from each of k rows, times α, into four strips: one visit to a line, not four, gains up to 7 %. */
function scale_lines(k: i32, alpha: f32, from: usize, stepBytes: usize, to: usize): void {
  const scale = f32x4.splat(alpha);
  const strip = <usize>k << 4;
  for (const stop = to + strip; to < stop; to += 16, from += stepBytes) {
    v128.store(to, f32x4.mul(v128.load(from), scale));
    v128.store(to + strip, f32x4.mul(v128.load(from, 16), scale));
    v128.store(to + 2 * strip, f32x4.mul(v128.load(from, 32), scale));
    v128.store(to + 3 * strip, f32x4.mul(v128.load(from, 48), scale));
  }
}

/** One vector from each of k rows, times α. */
function scale_quads(k: i32, alpha: f32, from: usize, stepBytes: usize, to: usize): void {
  const scale = f32x4.splat(alpha);
  for (const stop = to + (<usize>k << 4); to < stop; to += 16, from += stepBytes) {
    v128.store(to, f32x4.mul(v128.load(from), scale));
  }
}

/** to[i, t] = α·from[min(t, rows − 1), i] for k numbers i and four t; rows are pitch bytes apart, vectors toBytes. */
export function weave(rows: i32, k: i32, alpha: f32, from: usize, pitch: usize, to: usize, toBytes: usize): void {
  const scale = f32x4.splat(alpha);
  const whole = from + (<usize>(k & ~3) << 2);
  const row1 = rows > 1 ? pitch : 0;
  const row2 = rows > 2 ? pitch << 1 : row1;
  const row3 = rows > 3 ? pitch * 3 : row2;
  while (from < whole) {
    const a = f32x4.mul(v128.load(from), scale);
    const b = f32x4.mul(v128.load(from + row1), scale);
    const c = f32x4.mul(v128.load(from + row2), scale);
    const d = f32x4.mul(v128.load(from + row3), scale);
    const abLow = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cdLow = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(abLow, cdLow, 0, 2));
    v128.store(to + toBytes, v128.shuffle<i64>(abLow, cdLow, 1, 3));
    v128.store(to + 2 * toBytes, v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
    v128.store(to + 3 * toBytes, v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
    from += 16;
    to += 4 * toBytes;
  }
  for (let i = k & 3; i > 0; i--, from += 4, to += toBytes) {
    store<f32>(to, alpha * load<f32>(from));
    store<f32>(to, alpha * load<f32>(from + row1), 4);
    store<f32>(to, alpha * load<f32>(from + row2), 8);
    store<f32>(to, alpha * load<f32>(from + row3), 12);
  }
}

/** The general case, one number at a time: for each k `lanes` numbers, those from `valid` on zero. */
function pack_lanes(
  lanes: i32, valid: i32, k: i32, alpha: f32, from: usize, stepBytes: usize, laneBytes: usize, to: usize,
): void {
  for (let i = 0; i < k; i++, from += stepBytes) {
    let at = from;
    for (let lane = 0; lane < lanes; lane++, at += laneBytes, to += 4) {
      store<f32>(to, lane < valid ? alpha * load<f32>(at) : 0);
    }
  }
}
