import {
  expect_aligned, expect_beta, expect_divisor, expect_indices, expect_range, expect_sizes, UNKNOWN,
} from "./contract";
import { add_scaled_span, add_span, copy_span, fill_span, scale_span } from "./span";

// Samples of the residual branch and samples of the batch need not be the same: stochastic depth computes the branch for a
// subset only (Huang et al. 2016; DINOv2's batch form). `map` and `index` lead from one to the other.

// @ts-ignore: decorator
@inline
function entry(list: usize, at: i32): i32 {
  return list == 0 ? at : load<i32>(list + ((<usize>at) << 2));
}

// @ts-ignore: decorator
@inline
function factor(scale: usize, sample: i32): f32 {
  return scale == 0 ? 1 : load<f32>(scale + ((<usize>sample) << 2));
}

/**
 * y[b] = x[b] + scale[b]·γ ⊙ branch[map[b]], and y[b] = x[b] where map[b] = −1
 *
 * reads     x  f32[batch, tokens_width], contiguous, tokens_width = T·width; branch  f32[·, tokens_width], contiguous;
 *           gamma  f32[width], or 0 for ones; map  i32[batch], or 0 for b itself; scale  f32[batch], or 0 for ones
 * writes    y  f32[batch, tokens_width], contiguous; may be x itself
 * requires  0 ≤ begin ≤ end ≤ batch
 * splits    over batch, anywhere
 * error     three roundings
 */
export function residual_f32(
  batch: i32,
  tokens_width: i32,
  width: i32,
  x: usize,
  branch: usize,
  gamma: usize,
  map: usize,
  scale: usize,
  y: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(batch, begin, end);
  expect_aligned(x | branch | gamma | map | scale | y);
  expect_divisor(width, tokens_width);
  expect_indices(batch, map, -1, UNKNOWN);
  const sampleBytes = (<usize>tokens_width) << 2;
  const rowBytes = (<usize>width) << 2;
  for (let b = begin; b < end; b++) {
    const from = entry(map, b);
    let p = x + <usize>b * sampleBytes;
    let q = y + <usize>b * sampleBytes;
    if (from < 0) {
      copy_span(tokens_width, p, q);
      continue;
    }
    const s = factor(scale, b);
    let u = branch + <usize>from * sampleBytes;
    if (gamma == 0) {
      add_scaled(tokens_width, p, s, u, q);
      continue;
    }
    for (const stop = q + sampleBytes; q < stop; p += rowBytes, u += rowBytes, q += rowBytes) {
      add_scaled_product(width, p, s, gamma, u, q);
    }
  }
}

/** y[i] = x[i] + s·u[i] */
// @ts-ignore: decorator
@inline
function add_scaled(n: i32, x: usize, s: f32, u: usize, y: usize): void {
  if (s == 1) add_span(n, x, u, y);
  else add_scaled_span(n, s, u, x, y);
}

/** y[i] = x[i] + (s·g[i])·u[i] */
function add_scaled_product(n: i32, x: usize, s: f32, g: usize, u: usize, y: usize): void {
  const stop = y + ((<usize>n) << 2);
  const scales = f32x4.splat(s);
  if (y + 32 <= stop) {
    do {
      const low = f32x4.mul(f32x4.mul(scales, v128.load(g)), v128.load(u));
      const high = f32x4.mul(f32x4.mul(scales, v128.load(g, 16)), v128.load(u, 16));
      v128.store(y, f32x4.add(v128.load(x), low));
      v128.store(y, f32x4.add(v128.load(x, 16), high), 16);
      x += 32;
      g += 32;
      u += 32;
      y += 32;
    } while (y + 32 <= stop);
  }
  for (; y < stop; x += 4, g += 4, u += 4, y += 4) {
    store<f32>(y, load<f32>(x) + s * load<f32>(g) * load<f32>(u));
  }
}

/**
 * dbranch[i] = scale[b]·γ ⊙ dy[b] + β·dbranch[i], b = index[i]          gradient of residual_f32 with respect to branch
 *
 * reads     dy  f32[batch, tokens_width], contiguous; gamma  f32[width], or 0 for ones; index  i32[subset], the sample of
 *           each row of branch, or 0 for i itself; scale  f32[batch], or 0 for ones
 * writes    dbranch  f32[subset, tokens_width], contiguous
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ subset
 * splits    over subset, anywhere
 * error     three roundings
 */
export function residual_grad_branch_f32(
  subset: i32,
  tokens_width: i32,
  width: i32,
  dy: usize,
  gamma: usize,
  index: usize,
  scale: usize,
  beta: f32,
  dbranch: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(subset, begin, end);
  expect_aligned(dy | gamma | index | scale | dbranch);
  expect_divisor(width, tokens_width);
  expect_indices(subset, index, 0, UNKNOWN);
  expect_beta(beta);
  const sampleBytes = (<usize>tokens_width) << 2;
  const rowBytes = (<usize>width) << 2;
  for (let i = begin; i < end; i++) {
    const b = entry(index, i);
    const s = factor(scale, b);
    let p = dy + <usize>b * sampleBytes;
    let q = dbranch + <usize>i * sampleBytes;
    if (gamma == 0) {
      if (beta == 0) scale_span(tokens_width, s, p, q);
      else add_scaled(tokens_width, q, s, p, q);
      continue;
    }
    for (const stop = q + sampleBytes; q < stop; p += rowBytes, q += rowBytes) {
      if (beta == 0) scaled_product(width, s, gamma, p, q);
      else add_scaled_product(width, q, s, gamma, p, q);
    }
  }
}

/** y[i] = (s·g[i])·u[i] */
function scaled_product(n: i32, s: f32, g: usize, u: usize, y: usize): void {
  const stop = y + ((<usize>n) << 2);
  const scales = f32x4.splat(s);
  for (; y + 32 <= stop; g += 32, u += 32, y += 32) {
    v128.store(y, f32x4.mul(f32x4.mul(scales, v128.load(g)), v128.load(u)));
    v128.store(y, f32x4.mul(f32x4.mul(scales, v128.load(g, 16)), v128.load(u, 16)), 16);
  }
  for (; y < stop; g += 4, u += 4, y += 4) store<f32>(y, s * load<f32>(g) * load<f32>(u));
}

/**
 * dgamma[c] = Σ_i scale[b]·Σ_t dy[b, t, c]·branch[i, t, c] + β·dgamma[c], b = index[i]          gradient of residual_f32 with
 * respect to γ
 *
 * reads     dy  f32[batch, tokens_width], contiguous; branch  f32[subset, tokens_width], contiguous; index  i32[subset], or
 *           0 for i itself; scale  f32[batch], or 0 for ones
 * writes    dgamma  f32[width]
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ width
 * splits    over width, anywhere
 * error     three roundings per addend, relative to the sum of absolute terms
 */
export function residual_grad_gamma_f32(
  width: i32,
  tokens_width: i32,
  subset: i32,
  dy: usize,
  branch: usize,
  index: usize,
  scale: usize,
  beta: f32,
  dgamma: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(width, begin, end);
  expect_aligned(dy | branch | index | scale | dgamma);
  expect_sizes(subset);
  expect_divisor(width, tokens_width);
  expect_indices(subset, index, 0, UNKNOWN);
  expect_beta(beta);
  const skip = (<usize>begin) << 2;
  const sampleBytes = (<usize>tokens_width) << 2;
  const rowBytes = (<usize>width) << 2;
  const n = end - begin;
  dgamma += skip;
  if (beta == 0) fill_span(n, 0, dgamma);
  for (let i = 0; i < subset; i++) {
    const b = entry(index, i);
    const s = factor(scale, b);
    let p = dy + <usize>b * sampleBytes + skip;
    let u = branch + <usize>i * sampleBytes + skip;
    for (let token = 0; token < tokens_width; token += width) {
      add_scaled_product(n, dgamma, s, p, u, dgamma);
      p += rowBytes;
      u += rowBytes;
    }
  }
}
