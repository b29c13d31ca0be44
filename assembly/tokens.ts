import { expect_aligned, expect_beta, expect_range, expect_rows, expect_sizes } from "./contract";
import { sum_rows } from "./reduce";
import { row_at } from "./rows";
import { add_span, copy_span, fill_span, move_span } from "./span";

// @ts-ignore: decorator
@inline
function is_masked(mask: usize, at: i32): bool {
  return mask != 0 && load<i32>(mask + ((<usize>at) << 2)) != 0;
}

/**
 * y[b, 0] = cls + position[0];  y[b, 1 + n] = (mask[b, n] ? mask_token : x[b, n]) + position[1 + n]
 *
 * reads     x  f32[batch, patches, width], contiguous; cls, mask_token  f32[width]; position  f32[1 + patches, width], row
 *           stride ldp; mask  i32[batch, patches], or 0 for none, and then mask_token is not read
 * writes    y  f32[batch, 1 + patches, width], contiguous
 * requires  0 ≤ begin ≤ end ≤ batch
 * splits    over batch, anywhere
 * error     one rounding
 */
export function embed_tokens_f32(
  batch: i32,
  patches: i32,
  width: i32,
  x: usize,
  cls: usize,
  position: usize,
  ldp: i32,
  mask_token: usize,
  mask: usize,
  y: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(batch, begin, end);
  expect_aligned(x | cls | position | mask_token | mask | y);
  expect_rows(1 + patches, width, ldp);
  const rowBytes = (<usize>width) << 2;
  const positionBytes = (<usize>ldp) << 2;
  y += <usize>begin * (1 + patches) * rowBytes;
  for (let b = begin; b < end; b++) {
    let p = position;
    add_span(width, cls, p, y);
    y += rowBytes;
    for (let at = b * patches; at < (b + 1) * patches; at++) {
      p += positionBytes;
      add_span(width, is_masked(mask, at) ? mask_token : x + <usize>at * rowBytes, p, y);
      y += rowBytes;
    }
  }
}

/**
 * dx[b, n] = (mask[b, n] ? 0 : dy[b, 1 + n]) + β·dx[b, n]          gradient of embed_tokens_f32 with respect to x
 *
 * reads     dy  f32[batch, 1 + patches, width], contiguous; mask  i32[batch, patches], or 0 for none
 * writes    dx  f32[batch, patches, width], contiguous
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ batch
 * splits    over batch, anywhere
 * error     one rounding if β is 1, else none
 */
export function embed_tokens_grad_patches_f32(
  batch: i32,
  patches: i32,
  width: i32,
  dy: usize,
  mask: usize,
  beta: f32,
  dx: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(batch, begin, end);
  expect_aligned(dy | mask | dx);
  expect_sizes(patches | width);
  expect_beta(beta);
  const rowBytes = (<usize>width) << 2;
  for (let b = begin; b < end; b++) {
    for (let n = 0; n < patches; n++) {
      const at = b * patches + n;
      const to = dx + <usize>at * rowBytes;
      if (!is_masked(mask, at)) move_span(width, dy + <usize>(at + b + 1) * rowBytes, beta, to);
      else if (beta == 0) fill_span(width, 0, to);
    }
  }
}

/**
 * y[r, c] = Σ_b x[b, r, c] + β·y[r, c]          gradient of a table that was added to every sample
 *
 * reads     x  f32[batch, rows, cols], sample stride batch_stride, row stride ldx
 * writes    y  f32[rows, cols], row stride ldy
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     one rounding per sample, relative to the sum of absolute terms
 */
export function batch_sum_f32(
  rows: i32,
  cols: i32,
  batch: i32,
  x: usize,
  batch_stride: i32,
  ldx: i32,
  beta: f32,
  y: usize,
  ldy: i32,
  begin: i32,
  end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(x | y);
  expect_sizes(cols | batch | batch_stride);
  expect_rows(rows, cols, ldx);
  expect_rows(rows, cols, ldy);
  expect_beta(beta);
  const sampleBytes = (<usize>batch_stride) << 2;
  for (let r = begin; r < end; r++) {
    sum_rows(cols, batch, row_at(x, r, ldx), sampleBytes, beta, row_at(y, r, ldy));
  }
}

/**
 * dmask[c] = Σ dy[b, 1 + n, c] over the b, n with mask[b, n] + β·dmask[c]          gradient of embed_tokens_f32 with respect
 * to mask_token
 *
 * reads     dy  f32[batch, 1 + patches, width], contiguous; mask  i32[batch, patches]
 * writes    dmask  f32[width]
 * requires  β is 0 or 1; 0 ≤ begin ≤ end ≤ width
 * splits    over width, anywhere
 * error     one rounding per addend
 */
export function embed_tokens_grad_mask_f32(
  width: i32,
  batch: i32,
  patches: i32,
  dy: usize,
  mask: usize,
  beta: f32,
  dmask: usize,
  begin: i32,
  end: i32,
): void {
  expect_range(width, begin, end);
  expect_aligned(dy | mask | dmask);
  expect_sizes(batch | patches);
  expect_beta(beta);
  const n = end - begin;
  const rowBytes = (<usize>width) << 2;
  dmask += (<usize>begin) << 2;
  dy += (<usize>begin) << 2;
  let written = beta != 0;
  for (let b = 0; b < batch; b++) {
    dy += rowBytes;
    for (let at = b * patches; at < (b + 1) * patches; at++) {
      if (is_masked(mask, at)) {
        if (written) add_span(n, dy, dmask, dmask);
        else copy_span(n, dy, dmask);
        written = true;
      }
      dy += rowBytes;
    }
  }
  if (!written) fill_span(n, 0, dmask);
}
