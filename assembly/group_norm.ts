import {
  expect_aligned, expect_at_least, expect_beta, expect_divisor, expect_range, expect_rows, expect_scratch,
} from "./contract";
import { add_square, keep_mask, load_part, madd, store_part } from "./lanes";
import { row_at } from "./rows";
import { fill_span } from "./span";

/** Pixels whose statistics are taken in registers, from the first cache, before they join those of the image. */
// @ts-ignore: decorator
@inline
const BLOCK_PIXELS: i32 = 32;

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

/** Channels, rounded up to whole vectors. */
// @ts-ignore: decorator
@inline
function lane_count(channels: i32): i64 {
  return (<i64>channels + 3) & ~3;
}

// @ts-ignore: decorator
@inline
function lane_bytes(channels: i32): usize {
  return <usize>((channels + 3) & ~3) << 2;
}

/** Mean and sum of squared distances from it, of every channel of an image. */
function channel_moments(pixels: i32, bytes: usize, x: usize, ldx: i32, means: usize, squares: usize): void {
  for (let p = 0; p < pixels; p += BLOCK_PIXELS) {
    const count = min(BLOCK_PIXELS, pixels - p);
    const from = row_at(x, p, ldx);
    let c: usize = 0;
    for (; c + 32 <= bytes; c += 32) eight_moments(p, count, from + c, ldx, means + c, squares + c);
    for (; c < bytes; c += 16) four_moments(p, count, bytes - c, from + c, ldx, means + c, squares + c);
  }
}

/** Joins the moments of `count` further pixels to those of `before`, for eight channels. */
function eight_moments(before: i32, count: i32, x: usize, ldx: i32, means: usize, squares: usize): void {
  const step = <usize>ldx << 2;
  const stop = x + <usize>count * step;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  for (let from = x; from < stop; from += step) {
    s0 = f32x4.add(s0, v128.load(from));
    s1 = f32x4.add(s1, v128.load(from, 16));
  }
  const n = f32x4.splat(<f32>count);
  const m0 = f32x4.div(s0, n);
  const m1 = f32x4.div(s1, n);
  let q0 = f32x4.splat(0);
  let q1 = q0;
  for (let from = x; from < stop; from += step) {
    q0 = add_square(q0, f32x4.sub(v128.load(from), m0));
    q1 = add_square(q1, f32x4.sub(v128.load(from, 16), m1));
  }
  join(before, count, m0, q0, means, squares);
  join(before, count, m1, q1, means + 16, squares + 16);
}

/** The same for four channels, or for the `left` bytes of them that remain; the other lanes are zero. */
function four_moments(before: i32, count: i32, left: usize, x: usize, ldx: i32, means: usize, squares: usize): void {
  const zero = f32x4.splat(0);
  const step = <usize>ldx << 2;
  const stop = x + <usize>count * step;
  let sum = zero;
  for (let from = x; from < stop; from += step) sum = f32x4.add(sum, load_part(from, left, zero));
  const mean = f32x4.div(sum, f32x4.splat(<f32>count));
  let square = zero;
  for (let from = x; from < stop; from += step) square = add_square(square, f32x4.sub(load_part(from, left, zero), mean));
  join(before, count, mean, square, means, squares);
}

/** Moments of `count` numbers joined to those, in memory, of `before` numbers. */
// @ts-ignore: decorator
@inline
function join(before: i32, count: i32, mean: v128, square: v128, means: usize, squares: usize): void {
  if (before == 0) {
    v128.store(means, mean);
    v128.store(squares, square);
    return;
  }
  const share = <f32>count / <f32>(before + count);
  const old = v128.load(means);
  const distance = f32x4.sub(mean, old);
  v128.store(means, madd(old, distance, f32x4.splat(share)));
  const between = f32x4.mul(f32x4.mul(distance, distance), f32x4.splat(<f32>before * share));
  v128.store(squares, f32x4.add(v128.load(squares), f32x4.add(square, between)));
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

/** y = (x − center)·scale + bias for every pixel */
function normalize(
  pixels: i32, bytes: usize, x: usize, ldx: i32, centers: usize, scales: usize, bias: usize, y: usize, ldy: i32,
): void {
  const zero = f32x4.splat(0);
  for (let p = 0; p < pixels; p++, x += <usize>ldx << 2, y += <usize>ldy << 2) {
    let c: usize = 0;
    for (; c + 32 <= bytes; c += 32) {
      const a = f32x4.mul(f32x4.sub(v128.load(x + c), v128.load(centers + c)), v128.load(scales + c));
      const b = f32x4.mul(f32x4.sub(v128.load(x + c, 16), v128.load(centers + c, 16)), v128.load(scales + c, 16));
      v128.store(y + c, f32x4.add(a, v128.load(bias + c)));
      v128.store(y + c, f32x4.add(b, v128.load(bias + c, 16)), 16);
    }
    for (; c < bytes; c += 16) {
      const left = bytes - c;
      const centered = f32x4.sub(load_part(x + c, left, zero), v128.load(centers + c));
      const a = f32x4.mul(centered, v128.load(scales + c));
      store_part(y + c, left, f32x4.add(a, load_part(bias + c, left, zero)));
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
    const to = sums + <usize>i * bytes;
    fill_span(channels, 0, to);
    fill_span(channels, 0, to + plane);
    for (let p = 0; p < pixels; p += BLOCK_PIXELS) {
      const count = min(BLOCK_PIXELS, pixels - p);
      const xp = row_at(x, i * pixels + p, ldx);
      const dyp = row_at(dy, i * pixels + p, lddy);
      for (let c: usize = 0; c < bytes; c += 16) {
        add_sums(count, bytes - c, xp + c, ldx, dyp + c, lddy, scratch + c, rstds + c, to + c, plane);
      }
    }
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

/** Both sums over `count` pixels of four channels, or of the `left` bytes of them that remain, added to the totals. */
// @ts-ignore: decorator
@inline
function add_sums(
  count: i32, left: usize, x: usize, ldx: i32, dy: usize, lddy: i32, centers: usize, rstds: usize, to: usize,
  plane: usize,
): void {
  const zero = f32x4.splat(0);
  const center = v128.load(centers);
  const rstd = v128.load(rstds);
  let dot = zero;
  let sum = zero;
  if (left >= 16) {
    for (; count > 0; count--, x += <usize>ldx << 2, dy += <usize>lddy << 2) {
      const g = v128.load(dy);
      dot = madd(dot, g, f32x4.mul(f32x4.sub(v128.load(x), center), rstd));
      sum = f32x4.add(sum, g);
    }
  } else {
    for (; count > 0; count--, x += <usize>ldx << 2, dy += <usize>lddy << 2) {
      const g = load_part(dy, left, zero);
      dot = madd(dot, g, f32x4.mul(f32x4.sub(load_part(x, left, zero), center), rstd));
      sum = f32x4.add(sum, g);
    }
  }
  store_part(to, left, f32x4.add(load_part(to, left, zero), dot));
  store_part(to + plane, left, f32x4.add(load_part(to + plane, left, zero), sum));
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

/** dx of one pixel from the rows of channel_slopes. */
// @ts-ignore: decorator
@inline
function pixel_grad(bytes: usize, x: usize, dy: usize, rows: usize, step: usize, beta: f32, dx: usize): void {
  const zero = f32x4.splat(0);
  const keep = keep_mask(beta);
  let c: usize = 0;
  for (; c + 16 <= bytes; c += 16) {
    const at = rows + c;
    const pull = f32x4.mul(f32x4.sub(v128.load(x + c), v128.load(at)), v128.load(at + 2 * step));
    const push = f32x4.mul(v128.load(dy + c), v128.load(at + step));
    const v = f32x4.sub(f32x4.sub(push, pull), v128.load(at + 3 * step));
    v128.store(dx + c, f32x4.add(v, v128.and(v128.load(dx + c), keep)));
  }
  if (c < bytes) {
    const left = bytes - c;
    const at = rows + c;
    const pull = f32x4.mul(f32x4.sub(load_part(x + c, left, zero), v128.load(at)), v128.load(at + 2 * step));
    const push = f32x4.mul(load_part(dy + c, left, zero), v128.load(at + step));
    const v = f32x4.sub(f32x4.sub(push, pull), v128.load(at + 3 * step));
    store_part(dx + c, left, f32x4.add(v, v128.and(load_part(dx + c, left, zero), keep)));
  }
}
