import { locate_item, side_by_side } from "./attention_items";
import { differentiate_items, items_grad_scratch } from "./attention_items_grad";
import { differentiate, row_dots } from "./attention_softmax";
import {
  block_rows, pack_panels, pack_strips, pack_transposed, panels_bytes, product_by_key, product_by_query,
  product_scores, strip_bytes, strips_bytes,
} from "./attention_tile";
import {
  expect_aligned, expect_at_least, expect_at_most, expect_blocks, expect_divisor, expect_range, expect_scratch,
} from "./contract";
import { LOG2_E } from "./math";
import { fill_span, scale_span } from "./span";

/**
 * dv = Pᵀ·dout, dk = scale·dSᵀ·q, dq = scale·dS·k per image and head          gradient of attention_f32
 *
 * with P = exp(scale·q·kᵀ + bias + mask − lse), recomputed a block of queries at a time, and
 * dS = P ⊙ (dout·vᵀ − Σ_c dout ⊙ out), after Dao et al., FlashAttention, 2022, appendix B.
 *
 * reads     as attention_f32, and out and dout f32[items / heads, queries, heads, dim], contiguous;
 *           lse  f32[items, queries]; out and lse as attention_f32 wrote them
 * writes    dqkv  laid out as qkv, overwritten; dq of the tokens that do not ask is 0
 * requires  as attention_f32, but scratch for 3·(tokens + 3)·(dim + 7) + 56·(4·dim + 2·tokens + 32) numbers, on the
 *           path of four items, which bias and mask take, for 24·(tokens + 15)·(dim + 7) + 584·(tokens + 7) + 48
 * splits    over items, anywhere
 * error     as attention_f32, relative to the largest entry of each gradient
 */
export function attention_grad_f32(
  items: i32, heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize, bias: usize, bias_head: i32,
  bias_row: i32, bias_column: i32, mask: usize, windows: i32, out: usize, lse: usize, dout: usize, dqkv: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  expect_range(items, begin, end);
  expect_aligned(qkv | bias | mask | out | lse | dout | dqkv);
  expect_divisor(heads, items);
  expect_at_least(queries, 1);
  expect_at_most(queries, tokens);
  expect_at_least(dim, 1);
  const together = side_by_side(tokens, dim) || (bias | mask) != 0;
  if (together) {
    expect_scratch(scratch, items_grad_scratch(tokens, dim));
    for (let item = begin; item < end; item += 4) {
      for (let lane = 0; lane < 4; lane++) {
        const located = min(item + lane, end - 1);
        locate_item(scratch, lane, located, heads, tokens, queries, dim, bias_head, mask ? windows : 0);
      }
      differentiate_items(
        heads, tokens, dim, queries, scale, qkv, bias, bias_row, bias_column, mask, out, lse, dout, dqkv, 0, 0, scratch,
      );
    }
  } else {
    expect_scratch(scratch, 3 * <i64>(tokens + 3) * (dim + 7) + 56 * <i64>(4 * dim + 2 * tokens + 32));
    differentiate_blocks(heads, tokens, dim, queries, scale, qkv, out, lse, dout, dqkv, scratch, begin, end);
  }
  clear_unasked(heads, tokens, dim, queries, dqkv, begin, end);
}

/**
 * attention_grad_f32, and dbias[part] = Σ dS over the images of a part and one head          gradient of a bias too
 *
 * reads     as attention_grad_f32
 * writes    dqkv as attention_grad_f32; dbias  f32[parts, tokens, tokens], overwritten; 0 for tokens that do not ask
 * requires  as attention_grad_f32 with bias; part = chunk·heads + head, where chunk c holds those of the images
 *           c·share … (c + 1)·share − 1 that exist, so parts = heads·⌈items / (heads·share)⌉
 * splits    over parts, anywhere
 * error     as attention_grad_f32; of dbias one rounding an image, relative to the sum of absolute terms
 */
export function attention_bias_grad_f32(
  parts: i32, items: i32, share: i32, heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize,
  bias: usize, bias_head: i32, bias_row: i32, bias_column: i32, mask: usize, windows: i32, out: usize, lse: usize,
  dout: usize, dqkv: usize, dbias: usize, scratch: usize, begin: i32, end: i32,
): void {
  expect_range(parts, begin, end);
  expect_aligned(qkv | bias | mask | out | lse | dout | dqkv | dbias);
  expect_divisor(heads, items);
  expect_at_least(share, 1);
  expect_divisor(heads, parts);
  expect_at_least(queries, 1);
  expect_at_most(queries, tokens);
  expect_at_least(dim, 1);
  expect_scratch(scratch, items_grad_scratch(tokens, dim));
  const images = items / heads;
  expect_blocks(parts / heads, images, share);
  for (let part = begin; part < end; part++) {
    const chunk = part / heads;
    const head = part - chunk * heads;
    const stop = min(images, (chunk + 1) * share);
    const db = dbias + (<usize>(part * tokens * tokens) << 2);
    fill_span(tokens * tokens, 0, db);
    for (let image = chunk * share; image < stop; image += 4) {
      for (let lane = 0; lane < 4; lane++) {
        const item = min(image + lane, stop - 1) * heads + head;
        locate_item(scratch, lane, item, heads, tokens, queries, dim, bias_head, mask ? windows : 0);
      }
      differentiate_items(
        heads, tokens, dim, queries, scale, qkv, bias, bias_row, bias_column, mask, out, lse, dout, dqkv, stop - image,
        db, scratch,
      );
    }
    for (let image = chunk * share; image < stop; image++) {
      clear_unasked(heads, tokens, dim, queries, dqkv, image * heads + head, image * heads + head + 1);
    }
  }
}

/** dq of the tokens that do not ask */
function clear_unasked(heads: i32, tokens: i32, dim: i32, queries: i32, dqkv: usize, begin: i32, end: i32): void {
  if (queries == tokens) return;
  const pitch = <usize>(3 * heads * dim) << 2;
  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const dq = dqkv + <usize>(image * tokens) * pitch + (<usize>((item - image * heads) * dim) << 2);
    for (let row = queries; row < tokens; row++) fill_span(dim, 0, dq + <usize>row * pitch);
  }
}

/** One item at a time, its numbers side by side: attention_tile.ts. */
function differentiate_blocks(
  heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize, out: usize, lse: usize, dout: usize,
  dqkv: usize, scratch: usize, begin: i32, end: i32,
): void {
  const headBytes = <usize>dim << 2;
  const outPitch = <usize>heads * headBytes;
  const qkvPitch = outPitch * 3;
  const block = block_rows(tokens);
  const stripBytes = strip_bytes(tokens);

  const keyStrips = scratch;
  const valueStrips = keyStrips + strips_bytes(tokens, dim);
  const keyPanels = valueStrips + strips_bytes(tokens, dim);
  const queryColumns = keyPanels + panels_bytes(tokens, dim);
  const gradColumns = queryColumns + strips_bytes(block, dim);
  const queryPanels = gradColumns + strips_bytes(block, dim);
  const gradPanels = queryPanels + panels_bytes(block, dim);
  const logs = gradPanels + panels_bytes(block, dim);
  const dots = logs + (<usize>block << 2);
  const ones = dots + (<usize>block << 2);
  const zeros = ones + (<usize>block << 2);
  const scores = zeros + 64;
  const dscores = scores + <usize>(block >> 2) * stripBytes;
  fill_span(block, 1, ones);
  fill_span(8, 0, zeros);

  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const offset = <usize>(item - image * heads) * headBytes;
    const inQkv = <usize>(image * tokens) * qkvPitch + offset;
    const dk = dqkv + inQkv + outPitch;
    const dv = dk + outPitch;
    pack_strips(tokens, dim, 1, qkv + inQkv + outPitch, qkvPitch, keyStrips);
    pack_strips(tokens, dim, 1, qkv + inQkv + (outPitch << 1), qkvPitch, valueStrips);
    pack_panels(tokens, dim, scale, qkv + inQkv + outPitch, qkvPitch, keyPanels);
    for (let first = 0; first < queries; first += block) {
      const rows = min(block, queries - first);
      const q = qkv + inQkv + <usize>first * qkvPitch;
      const atOut = <usize>(image * queries + first) * outPitch + offset;
      pack_transposed(rows, dim, scale * LOG2_E, q, qkvPitch, queryColumns);
      pack_transposed(rows, dim, 1, dout + atOut, outPitch, gradColumns);
      pack_panels(rows, dim, scale, q, qkvPitch, queryPanels);
      pack_panels(rows, dim, 1, dout + atOut, outPitch, gradPanels);
      row_dots(rows, dim, -1, out + atOut, dout + atOut, outPitch, dots, 4);
      scale_span(rows, LOG2_E, lse + (<usize>(item * queries + first) << 2), logs);

      product_scores(tokens, rows, dim, zeros, 0, keyStrips, queryColumns, scores, stripBytes);
      product_scores(tokens, rows, dim, dots, 32, valueStrips, gradColumns, dscores, stripBytes);
      differentiate(tokens, (rows + 3) >> 2, scores, dscores, stripBytes, logs);
      product_by_key(tokens, dim, rows, scores, stripBytes, gradPanels, first > 0, dv, qkvPitch);
      product_by_key(tokens, dim, rows, dscores, stripBytes, queryPanels, first > 0, dk, qkvPitch);
      const dq = dqkv + inQkv + <usize>first * qkvPitch;
      product_by_query(rows, dim, tokens, dscores, stripBytes, keyPanels, ones, dq, qkvPitch);
    }
  }
}
