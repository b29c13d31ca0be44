import { channel_moments, channel_sums, lane_bytes, lane_count, normalize, pixel_grad } from "./channels";
import { expect_aligned, expect_at_least, expect_beta, expect_blocks, expect_range, expect_rows, expect_scratch } from "./contract";
import { row_at } from "./rows";
import { copy_span } from "./span";

/** Rows per partial result of a reduction over rows. */
// @ts-ignore: decorator
@inline
const BLOCK_ROWS: i32 = 256;

/**
 * moments[b, 0, c] = mean of x[r, c] over the rows 256·b ≤ r < min(256·(b + 1), rows), moments[b, 1, c] = Σ squared distances
 * from it
 *
 * reads     x  f32[rows, channels], ldx elements from row to row
 * writes    moments  f32[blocks, 2, channels]
 * requires  blocks = ⌈rows / 256⌉; 2·channels numbers fit into scratch; 0 ≤ begin ≤ end ≤ blocks
 * splits    over blocks, anywhere
 * error     50 roundings of the largest distance, plus one of the mean
 */
export function batch_norm_moments_f32(
  blocks: i32, rows: i32, channels: i32, x: usize, ldx: i32, moments: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(blocks, begin, end);
  expect_aligned(x | moments);
  expect_blocks(blocks, rows, BLOCK_ROWS);
  expect_rows(rows, channels, ldx);
  expect_scratch(scratch, 2 * lane_count(channels));
  const bytes = <usize>channels << 2;
  const squares = scratch + lane_bytes(channels);
  for (let b = begin; b < end; b++) {
    const to = moments + 2 * <usize>b * bytes;
    channel_moments(block_rows(b, rows), bytes, row_at(x, b * BLOCK_ROWS, ldx), ldx, scratch, squares);
    copy_span(channels, scratch, to);
    copy_span(channels, squares, to + bytes);
  }
}

// @ts-ignore: decorator
@inline
function block_rows(b: i32, rows: i32): i32 {
  return min(BLOCK_ROWS, rows - b * BLOCK_ROWS);
}

/**
 * mean[c] and variance[c] (of divisor rows) of all rows from the moments of blocks
 *
 * reads     moments  f32[blocks, 2, channels], from batch_norm_moments_f32
 * writes    mean, variance  f32[channels]
 * requires  blocks = ⌈rows / 256⌉; rows ≥ 1; 0 ≤ begin ≤ end ≤ channels
 * splits    over channels, anywhere
 * error     one rounding, besides those of moments
 */
export function batch_norm_join_f32(
  channels: i32, blocks: i32, rows: i32, moments: usize, mean: usize, variance: usize, begin: i32, end: i32,
): void {
  expect_range(channels, begin, end);
  expect_aligned(moments | mean | variance);
  expect_blocks(blocks, rows, BLOCK_ROWS);
  expect_at_least(rows, 1);
  const bytes = <usize>channels << 2;
  for (let c = <usize>begin << 2; c < <usize>end << 2; c += 4) {
    let sum: f64 = 0;
    for (let b = 0; b < blocks; b++) {
      sum += <f64>block_rows(b, rows) * <f64>load<f32>(moments + 2 * <usize>b * bytes + c);
    }
    const center = sum / <f64>rows;
    let square: f64 = 0;
    for (let b = 0; b < blocks; b++) {
      const from = moments + 2 * <usize>b * bytes + c;
      const distance = <f64>load<f32>(from) - center;
      square += <f64>load<f32>(from + bytes) + <f64>block_rows(b, rows) * distance * distance;
    }
    store<f32>(mean + c, <f32>center);
    store<f32>(variance + c, <f32>(square / <f64>rows));
  }
}

/**
 * y[r, c] = (x[r, c] − mean[c]) / √(variance[c] + ε) · weight[c] + bias[c]          (Ioffe, Szegedy 2015)
 *
 * reads     x  f32[rows, channels], ldx elements from row to row; mean, variance, weight, bias  f32[channels]
 * writes    y  f32[rows, channels], ldy elements from row to row; may be x itself
 * requires  variance + ε > 0; 2·channels numbers fit into scratch; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     five roundings of the largest term
 */
export function batch_norm_f32(
  rows: i32, channels: i32, x: usize, ldx: i32, mean: usize, variance: usize, eps: f32, weight: usize, bias: usize,
  y: usize, ldy: i32, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | mean | variance | weight | bias | y);
  expect_rows(rows, channels, ldx);
  expect_rows(rows, channels, ldy);
  expect_scratch(scratch, 2 * lane_count(channels));
  const bytes = <usize>channels << 2;
  const scales = scratch + lane_bytes(channels);
  copy_span(channels, mean, scratch);
  for (let c: usize = 0; c < bytes; c += 4) {
    store<f32>(scales + c, <f32>(<f64>load<f32>(weight + c) * inverse_root(variance + c, eps)));
  }
  normalize(end - begin, bytes, row_at(x, begin, ldx), ldx, scratch, scales, bias, row_at(y, begin, ldy), ldy);
}

// @ts-ignore: decorator
@inline
function inverse_root(variance: usize, eps: f32): f64 {
  return 1 / sqrt<f64>(<f64>load<f32>(variance) + <f64>eps);
}

/**
 * sums[b, 0, c] = Σ dy[r, c]·(x[r, c] − mean[c]) / √(variance[c] + ε), sums[b, 1, c] = Σ dy[r, c], over the rows
 * 256·b ≤ r < min(256·(b + 1), rows). Their sums over blocks are the gradients of weight and bias.
 *
 * reads     x, dy  f32[rows, channels], ldx and lddy elements from row to row; mean, variance  f32[channels]
 * writes    sums  f32[blocks, 2, channels]
 * requires  blocks = ⌈rows / 256⌉; variance + ε > 0; 2·channels numbers fit into scratch; 0 ≤ begin ≤ end ≤ blocks
 * splits    over blocks, anywhere
 * error     43 roundings, relative to the sum of absolute terms
 */
export function batch_norm_sums_f32(
  blocks: i32, rows: i32, channels: i32, x: usize, ldx: i32, mean: usize, variance: usize, eps: f32, dy: usize,
  lddy: i32, sums: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(blocks, begin, end);
  expect_aligned(x | mean | variance | dy | sums);
  expect_blocks(blocks, rows, BLOCK_ROWS);
  expect_rows(rows, channels, ldx);
  expect_rows(rows, channels, lddy);
  expect_scratch(scratch, 2 * lane_count(channels));
  const bytes = <usize>channels << 2;
  const rstds = scratch + lane_bytes(channels);
  copy_span(channels, mean, scratch);
  for (let c: usize = 0; c < bytes; c += 4) store<f32>(rstds + c, <f32>inverse_root(variance + c, eps));
  for (let b = begin; b < end; b++) {
    const xb = row_at(x, b * BLOCK_ROWS, ldx);
    const dyb = row_at(dy, b * BLOCK_ROWS, lddy);
    const to = sums + 2 * <usize>b * bytes;
    channel_sums(block_rows(b, rows), bytes, xb, ldx, dyb, lddy, scratch, rstds, to, bytes);
  }
}

/**
 * dx[r, c] = weight[c]·(dy[r, c] − (sums[1, c] + x̂·sums[0, c]) / rows) / σ + β·dx[r, c]          σ = √(variance[c] + ε),
 * x̂ = (x[r, c] − mean[c]) / σ; without sums, dx[r, c] = weight[c]·dy[r, c] / σ + β·dx[r, c], for statistics that x has no part in
 *
 * reads     x, dy  f32[rows, channels], ldx and lddy elements from row to row; mean, variance, weight  f32[channels]
 *           sums  f32[2, channels], those of batch_norm_sums_f32 over all blocks; or 0
 * writes    dx  f32[rows, channels], lddx elements from row to row; may be dy itself
 * requires  variance + ε > 0; β is 0 or 1; 4·channels numbers fit into scratch; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     those of sums, plus 8 roundings of the largest term
 */
export function batch_norm_grad_input_f32(
  rows: i32, channels: i32, x: usize, ldx: i32, mean: usize, variance: usize, eps: f32, weight: usize, sums: usize,
  dy: usize, lddy: i32, beta: f32, dx: usize, lddx: i32, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | mean | variance | weight | sums | dy | dx);
  expect_rows(rows, channels, ldx);
  expect_rows(rows, channels, lddy);
  expect_rows(rows, channels, lddx);
  expect_beta(beta);
  expect_scratch(scratch, 4 * lane_count(channels));
  const bytes = <usize>channels << 2;
  const step = lane_bytes(channels);
  copy_span(channels, mean, scratch);
  for (let c: usize = 0; c < bytes; c += 4) {
    const rstd = inverse_root(variance + c, eps);
    const slope = <f64>load<f32>(weight + c) * rstd;
    const share = sums == 0 ? 0 : slope / <f64>rows;
    const to = scratch + c + step;
    store<f32>(to, <f32>slope);
    store<f32>(to + step, sums == 0 ? 0 : <f32>(share * rstd * <f64>load<f32>(sums + c)));
    store<f32>(to + 2 * step, sums == 0 ? 0 : <f32>(share * <f64>load<f32>(sums + bytes + c)));
  }
  for (let r = begin; r < end; r++) {
    pixel_grad(bytes, row_at(x, r, ldx), row_at(dy, r, lddy), scratch, step, beta, row_at(dx, r, lddx));
  }
}
