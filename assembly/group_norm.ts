import { channel_moments, channel_sums, lane_bytes, lane_count, normalize, pixel_grad } from "./channels";
import {
  expect_aligned, expect_at_least, expect_beta, expect_divisor, expect_range, expect_rows, expect_scratch,
} from "./contract";
import { row_at } from "./rows";
import { fill_span } from "./span";

/**
 * y[i, p, c] = (x[i, p, c] − μ) / σ · weight[c] + bias[c]          μ and σ² = variance + ε of image i's group of c
 * (Wu, He 2018)
 *
 * Statistics of 32 pixels of a channel are taken in two passes and joined as Chan, Golub, LeVeque (1979) do.
 *
 * reads     x  f32[images, pixels, channels], ldx elements from pixel to pixel; weight, bias  f32[channels]
 * writes    y  f32[images, pixels, channels], ldy elements from pixel to pixel; may be x itself
 *           stats  f32[images, groups, 2]: μ and 1/σ
 * requires  groups divides channels; pixels ≥ 1; ε ≥ 0; 3·channels numbers fit into scratch; 0 ≤ begin ≤ end ≤ images
 * splits    over images, anywhere
 * error     at most pixels / 32 + 50 roundings of the largest |x − μ|/σ, plus one of |μ|/σ
 */
export function group_norm_f32(
  images: i32, pixels: i32, channels: i32, groups: i32, x: usize, ldx: i32, eps: f32, weight: usize, bias: usize,
  y: usize, ldy: i32, stats: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(images, begin, end);
  expect_aligned(x | weight | bias | y | stats);
  expect_at_least(pixels, 1);
  expect_divisor(groups, channels);
  expect_rows(images * pixels, channels, ldx);
  expect_rows(images * pixels, channels, ldy);
  expect_scratch(scratch, 3 * lane_count(channels));
  assert(eps >= 0);
  const bytes = <usize>channels << 2;
  const step = lane_bytes(channels);
  for (let i = begin; i < end; i++) {
    const from = row_at(x, i * pixels, ldx);
    const groupStats = stats + (<usize>(i * groups) << 3);
    channel_moments(pixels, bytes, from, ldx, scratch, scratch + step);
    group_moments(pixels, channels / groups, groups, eps, scratch, scratch + step, groupStats);
    spread(channels / groups, groups, groupStats, weight, scratch, scratch + step);
    normalize(pixels, bytes, from, ldx, scratch, scratch + step, bias, row_at(y, i * pixels, ldy), ldy);
  }
}

/** μ and 1/σ of every group from the moments of its channels. */
function group_moments(
  pixels: i32, size: i32, groups: i32, eps: f32, means: usize, squares: usize, stats: usize,
): void {
  for (let g = 0; g < groups; g++, stats += 8) {
    const stop = means + (<usize>size << 2);
    let sum: f64 = 0;
    for (let at = means; at < stop; at += 4) sum += <f64>load<f32>(at);
    const mean = sum / <f64>size;
    let square: f64 = 0;
    for (; means < stop; means += 4, squares += 4) {
      const distance = <f64>load<f32>(means) - mean;
      square += <f64>load<f32>(squares) + <f64>pixels * distance * distance;
    }
    store<f32>(stats, <f32>mean);
    store<f32>(stats, <f32>(1 / sqrt<f64>(square / (<f64>size * <f64>pixels) + <f64>eps)), 4);
  }
}

/** μ and weight/σ of every channel from those of its group. */
function spread(size: i32, groups: i32, stats: usize, weight: usize, centers: usize, scales: usize): void {
  for (let g = 0; g < groups; g++, stats += 8) {
    const rstd = load<f32>(stats, 4);
    fill_span(size, load<f32>(stats), centers);
    for (const stop = scales + (<usize>size << 2); scales < stop; scales += 4, weight += 4, centers += 4) {
      store<f32>(scales, rstd * load<f32>(weight));
    }
  }
}

/**
 * sums[0, i, c] = Σ_p dy[i, p, c]·(x[i, p, c] − μ) / σ,  sums[1, i, c] = Σ_p dy[i, p, c]
 *
 * The gradients of weight and bias are their sums over images; the input gradient needs them too.
 *
 * reads     x, dy  f32[images, pixels, channels], ldx and lddy elements from pixel to pixel
 *           stats  f32[images, groups, 2], from group_norm_f32
 * writes    sums  f32[2, images, channels]
 * requires  groups divides channels; 2·channels numbers fit into scratch; 0 ≤ begin ≤ end ≤ images
 * splits    over images, anywhere
 * error     pixels / 32 + 35 roundings, relative to the sum of absolute terms
 */
export function group_norm_sums_f32(
  images: i32, pixels: i32, channels: i32, groups: i32, x: usize, ldx: i32, stats: usize, dy: usize, lddy: i32,
  sums: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(images, begin, end);
  expect_aligned(x | stats | dy | sums);
  expect_divisor(groups, channels);
  expect_rows(images * pixels, channels, ldx);
  expect_rows(images * pixels, channels, lddy);
  expect_scratch(scratch, 2 * lane_count(channels));
  const bytes = <usize>channels << 2;
  const rstds = scratch + lane_bytes(channels);
  const plane = <usize>images * bytes;
  for (let i = begin; i < end; i++) {
    spread_stats(channels / groups, groups, stats + (<usize>(i * groups) << 3), scratch, rstds);
    const xi = row_at(x, i * pixels, ldx);
    const dyi = row_at(dy, i * pixels, lddy);
    channel_sums(pixels, bytes, xi, ldx, dyi, lddy, scratch, rstds, sums + <usize>i * bytes, plane);
  }
}

/** μ and 1/σ of every channel from those of its group. */
function spread_stats(size: i32, groups: i32, stats: usize, centers: usize, rstds: usize): void {
  const bytes = <usize>size << 2;
  for (let g = 0; g < groups; g++, stats += 8, centers += bytes, rstds += bytes) {
    fill_span(size, load<f32>(stats), centers);
    fill_span(size, load<f32>(stats, 4), rstds);
  }
}

/**
 * dx[i, p, c] = (g − mean g − x̂·mean(g·x̂)) / σ + β·dx[i, p, c]          g = dy·weight, x̂ = (x − μ) / σ, means over a group
 *
 * reads     x, dy  f32[images, pixels, channels], ldx and lddy elements from pixel to pixel
 *           stats  f32[images, groups, 2], from group_norm_f32; sums  f32[2, images, channels], from group_norm_sums_f32
 *           weight  f32[channels]
 * writes    dx  f32[images, pixels, channels], lddx elements from pixel to pixel; may be dy itself
 * requires  groups divides channels; β is 0 or 1; 4·channels numbers fit into scratch; 0 ≤ begin ≤ end ≤ images
 * splits    over images, anywhere
 * error     those of sums, plus 8 roundings of the largest term
 */
export function group_norm_grad_input_f32(
  images: i32, pixels: i32, channels: i32, groups: i32, x: usize, ldx: i32, stats: usize, sums: usize, weight: usize,
  dy: usize, lddy: i32, beta: f32, dx: usize, lddx: i32, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(images, begin, end);
  expect_aligned(x | stats | sums | weight | dy | dx);
  expect_divisor(groups, channels);
  expect_rows(images * pixels, channels, ldx);
  expect_rows(images * pixels, channels, lddy);
  expect_rows(images * pixels, channels, lddx);
  expect_beta(beta);
  expect_scratch(scratch, 4 * lane_count(channels));
  const bytes = <usize>channels << 2;
  const plane = <usize>images * bytes;
  const step = lane_bytes(channels);
  for (let i = begin; i < end; i++) {
    const groupStats = stats + (<usize>(i * groups) << 3);
    const imageSums = sums + <usize>i * bytes;
    channel_slopes(pixels, channels / groups, groups, groupStats, imageSums, plane, weight, scratch, step);
    for (let p = i * pixels; p < (i + 1) * pixels; p++) {
      pixel_grad(bytes, row_at(x, p, ldx), row_at(dy, p, lddy), scratch, step, beta, row_at(dx, p, lddx));
    }
  }
}

/** The numbers of each channel with which dx = dy·a − (x − μ)·b − d: μ, a, b, d, one row each. */
function channel_slopes(
  pixels: i32, size: i32, groups: i32, stats: usize, sums: usize, plane: usize, weight: usize, rows: usize, step: usize,
): void {
  const bytes = <usize>size << 2;
  for (let g = 0; g < groups; g++, stats += 8, sums += bytes, weight += bytes, rows += bytes) {
    const rstd = load<f32>(stats, 4);
    let dot: f64 = 0;
    let sum: f64 = 0;
    for (let c: usize = 0; c < bytes; c += 4) {
      dot += <f64>load<f32>(weight + c) * <f64>load<f32>(sums + c);
      sum += <f64>load<f32>(weight + c) * <f64>load<f32>(sums + plane + c);
      store<f32>(rows + step + c, rstd * load<f32>(weight + c));
    }
    const share = <f64>rstd / (<f64>size * <f64>pixels);
    fill_span(size, load<f32>(stats), rows);
    fill_span(size, <f32>(dot * share * <f64>rstd), rows + 2 * step);
    fill_span(size, <f32>(sum * share), rows + 3 * step);
  }
}
