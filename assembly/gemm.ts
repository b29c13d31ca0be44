import {
  expect_aligned, expect_at_most, expect_beta, expect_range, expect_rows, expect_scratch, expect_sizes,
} from "./contract";
import { tile_4x8 } from "./gemm_tile";
import { TALL_ROWS, tiles_12x8, tiles_6x8_of_rows, uses_tall_tiles } from "./gemm_tile_tall";
import { PANEL_COLUMNS, pack_a, pack_b_f32, STRIP_ROWS } from "./pack";

/** Rows of A in a block, which (192 KiB) stays in the second cache while all panels of B pass by. */
// @ts-ignore: decorator
@inline
const BLOCK_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 11 * TALL_ROWS : 128;

/** One tile, which takes the results that lie partly outside C. */
// @ts-ignore: decorator
@inline
const TILE_BYTES: usize = 128;

/**
 * C = α·A·B + bias + β·C          one block of any matrix product; transposes and slices are strides
 *
 * reads     a  f32[m, k], element (i, j) at i·a_row_stride + j·a_col_stride; packed  f32[⌈n / 8⌉, k, 8] by pack_b_f32;
 *           bias  f32[n], or 0 for none
 * writes    c  f32[m, n], row stride ldc
 * requires  k ≤ 384: longer sums are packed and added block by block (ops/product.ts), up to 6 % faster since a
 *           packed block is used while it is in the second cache; β is 0 or 1; bias = 0 if β = 1; 0 ≤ begin ≤ end ≤ m
 * splits    over m, anywhere; multiples of 4 (12 in the relaxed build) leave no tile partly used
 * error     k + 2 roundings per element, relative to the sum of absolute terms
 */
export function gemm_f32(
  m: i32, n: i32, k: i32, alpha: f32, a: usize, a_row_stride: i32, a_col_stride: i32, packed: usize, bias: usize,
  beta: f32, c: usize, ldc: i32, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(m, begin, end);
  expect_aligned(a | packed | bias | c);
  expect_sizes(k | a_row_stride | a_col_stride);
  expect_at_most(k, 384);
  expect_rows(m, n, ldc);
  expect_beta(beta);
  assert(beta == 0 || bias == 0);
  expect_scratch(scratch, 32 + <i64>BLOCK_ROWS * k);
  const rowBytes = <usize>a_row_stride << 2;
  const cBytes = <usize>ldc << 2;
  const skip = <usize>begin;
  rows_times_panels(
    end - begin, n, k, alpha, a + skip * rowBytes, rowBytes, <usize>a_col_stride << 2, packed, bias, beta,
    c + skip * cBytes, cBytes, scratch,
  );
}

/**
 * c[t] = α·a[t]·b[t] + β·c[t] for each matrix t of a batch          small products, many at once
 *
 * reads     a  f32[batch, m, k], element (t, i, j) at t·a_step + i·a_row_stride + j·a_col_stride; b  f32[batch, k, n] alike
 * writes    c  f32[batch, m, n], steps c_step, row stride ldc
 * requires  k ≤ 384; β is 0 or 1; one b, packed, fits into what the strips of A leave of scratch (ops/product.ts);
 *           matrices of c do not overlap; 0 ≤ begin ≤ end ≤ batch
 * splits    over the batch, anywhere
 * error     k + 2 roundings per element, relative to the sum of absolute terms; bits as from gemm_f32
 */
export function gemm_batch_f32(
  batch: i32, m: i32, n: i32, k: i32, alpha: f32, a: usize, a_step: i32, a_row_stride: i32, a_col_stride: i32, b: usize,
  b_step: i32, b_row_stride: i32, b_col_stride: i32, beta: f32, c: usize, c_step: i32, ldc: i32, scratch: usize,
  begin: i32, end: i32,
): void {
  expect_range(batch, begin, end);
  expect_aligned(a | b | c);
  expect_sizes(m | k | a_step | a_row_stride | a_col_stride | b_step | b_row_stride | b_col_stride | c_step);
  expect_at_most(k, 384);
  expect_rows(m, n, ldc);
  expect_beta(beta);
  const panels = (n + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
  expect_scratch(scratch, 32 + <i64>BLOCK_ROWS * k + <i64>PANEL_COLUMNS * panels * k);
  const packed = scratch + TILE_BYTES + (<usize>(BLOCK_ROWS * k) << 2);
  for (let t = begin; t < end; t++) {
    const step = <usize>t;
    pack_b_f32(panels, k, n, b + ((step * <usize>b_step) << 2), b_row_stride, b_col_stride, packed, 0, panels);
    rows_times_panels(
      m, n, k, alpha, a + ((step * <usize>a_step) << 2), <usize>a_row_stride << 2, <usize>a_col_stride << 2, packed, 0,
      beta, c + ((step * <usize>c_step) << 2), <usize>ldc << 2, scratch,
    );
  }
}

/** m rows of A times all panels of B: a block of rows is packed, and all panels pass by. */
function rows_times_panels(
  m: i32, n: i32, k: i32, alpha: f32, a: usize, rowBytes: usize, colBytes: usize, packed: usize, bias: usize, beta: f32,
  c: usize, cBytes: usize, scratch: usize,
): void {
  const panelBytes = <usize>(PANEL_COLUMNS * k) << 2;
  const strips = scratch + TILE_BYTES;
  for (let i = 0; i < m; i += BLOCK_ROWS) {
    const rows = min(BLOCK_ROWS, m - i);
    if (uses_tall_tiles() && alpha == 1 && colBytes == 4 && n % PANEL_COLUMNS == 0) {
      const to = c + <usize>i * cBytes;
      unpacked_rows(rows, n, k, a + <usize>i * rowBytes, rowBytes, packed, bias, beta, to, cBytes, scratch);
      continue;
    }
    pack_a(rows, k, alpha, a + <usize>i * rowBytes, rowBytes, colBytes, strips);
    let panel = packed;
    let to = c + <usize>i * cBytes;
    let columnBias = bias;
    for (let j = 0; j < n; j += PANEL_COLUMNS) {
      const addend = beta == 0 ? columnBias : to;
      times_panel(rows, n - j, k, strips, panel, addend, beta == 0 ? 0 : cBytes, to, cBytes, scratch);
      panel += panelBytes;
      to += 32;
      if (bias) columnBias += 32;
    }
  }
}

/**
 * A block of rows of A, whose numbers lie side by side, times whole panels of B, as rows_times_panels. Only the rows that
 * fill no tile of six are packed: with few columns the packing of A takes as long as 3 % of the product.
 */
function unpacked_rows(
  rows: i32, n: i32, k: i32, a: usize, rowBytes: usize, panel: usize, bias: usize, beta: f32, c: usize, cBytes: usize,
  scratch: usize,
): void {
  const panelBytes = <usize>(PANEL_COLUMNS * k) << 2;
  const strips = scratch + TILE_BYTES;
  const left = rows % 6;
  pack_a(left, k, 1, a + <usize>(rows - left) * rowBytes, rowBytes, 4, strips);
  const addendBytes: usize = beta == 0 ? 0 : cBytes;
  const packed = <usize>(rows - left);
  for (; n > 0; n -= PANEL_COLUMNS, panel += panelBytes, c += 32) {
    const addend = beta == 0 ? bias : c;
    tiles_6x8_of_rows(rows, k, a, rowBytes, panel, addend, addendBytes, c, cBytes);
    const rest = c + packed * cBytes;
    times_panel(left, n, k, strips, panel, addend + packed * addendBytes, addendBytes, rest, cBytes, scratch);
    if (bias) bias += 32;
  }
}

/**
 * All strips of a block of A times one panel of B, which has n columns or, if that is more, eight; plus addend as in
 * tile_4x8.
 */
function times_panel(
  rows: i32, n: i32, k: i32, a: usize, panel: usize, addend: usize, addendBytes: usize, c: usize, cBytes: usize,
  spare: usize,
): void {
  const stripBytes = <usize>(STRIP_ROWS * k) << 2;
  const whole = n < PANEL_COLUMNS ? 0 : rows & ~(STRIP_ROWS - 1);
  let i = 0;
  if (uses_tall_tiles()) {
    const tiles = whole / TALL_ROWS;
    const tileBytes = <usize>TALL_ROWS * cBytes;
    tiles_12x8(
      tiles, k, a, a + stripBytes, a + 2 * stripBytes, 16, 3 * stripBytes, panel, 0, 0, addend, addendBytes, c,
      tileBytes, cBytes,
    );
    i = tiles * TALL_ROWS;
    a += <usize>tiles * 3 * stripBytes;
    addend += <usize>i * addendBytes;
    c += <usize>tiles * tileBytes;
  }
  for (; i < rows; i += STRIP_ROWS) {
    const inside = i < whole;
    tile_4x8(k, a, panel, inside ? addend : 0, addendBytes, inside ? c : spare, inside ? cBytes : 32);
    if (!inside) copy_part(min(STRIP_ROWS, rows - i), min(PANEL_COLUMNS, n), spare, addend, addendBytes, c, cBytes);
    a += stripBytes;
    addend += 4 * addendBytes;
    c += 4 * cBytes;
  }
}

/** The part of a tile that lies inside C, plus addend. */
export function copy_part(
  rows: i32, columns: i32, tile: usize, addend: usize, addendBytes: usize, c: usize, cBytes: usize,
): void {
  const width = <usize>columns << 2;
  for (let i = 0; i < rows; i++, tile += 32, addend += addendBytes, c += cBytes) {
    for (let j: usize = 0; j < width; j += 4) {
      const sum = load<f32>(tile + j);
      store<f32>(c + j, addend ? sum + load<f32>(addend + j) : sum);
    }
  }
}
