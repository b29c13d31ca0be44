import { locate_item, side_by_side } from "./attention_items";
import { differentiate_items, items_grad_scratch } from "./attention_items_grad";
import { differentiate_rows, row_dots } from "./attention_softmax";
import { columns_tall, differentiate_tall, fetch_operands } from "./attention_tall";
import {
  multiply, pack_columns, pack_panels, pack_strip, pack_transposed, put_columns, put_rows,
} from "./attention_tile";
import {
  expect_aligned, expect_at_least, expect_at_most, expect_blocks, expect_divisor, expect_range, expect_scratch,
  SCRATCH_BYTES,
} from "./contract";
import { uses_tall_tiles } from "./gemm_tile_tall";
import { LOG2_E } from "./math";
import { weave } from "./pack";
import { fill_span, scale_span } from "./span";

/** The most queries in a block: their scores and the gradients of those should stay in the second cache. */
function most_rows(tokens: i32): i32 {
  return min(208, max(56, 131072 / tokens));
}

/** Queries in each block but the last: a multiple of 8, and such that the blocks of one item are about equal. */
function block_rows(tokens: i32): i32 {
  const most = most_rows(tokens) & ~7;
  const blocks = (tokens + most - 1) / most;
  return ((tokens + blocks - 1) / blocks + 7) & ~7;
}

/** Numbers of working memory that differentiate_blocks takes. */
function blocks_scratch(tokens: i32, dim: i32): i64 {
  return 3 * <i64>(tokens + 7) * (dim + 7) + dim + 2 * <i64>(tokens + 8) * most_rows(tokens);
}

/** Whether tiles of six rows are to be used, and working memory holds the strips and tiles that they take more. */
// @ts-ignore: decorator
@inline
function takes_tall(tokens: i32, dim: i32): bool {
  if (!uses_tall_tiles()) return false;
  const more = 8 * <i64>(max(tokens + 7, max(dim, block_rows(tokens))) + tokens + 7);
  return blocks_scratch(tokens, dim) + more <= SCRATCH_BYTES >> 2;
}

/**
 * dv = Pᵀ·dout, dk = scale·dSᵀ·q, dq = scale·dS·k per image and head          gradient of attention_f32
 *
 * with P = exp(scale·q·kᵀ + bias + mask − lse), recomputed a block of queries at a time, and
 * dS = P ⊙ (dout·vᵀ − Σ_c dout ⊙ out), after Dao et al., FlashAttention, 2022, appendix B.
 *
 * reads     as attention_f32, and out and dout f32[items / heads, queries, heads, dim], contiguous;
 *           lse  f32[items, queries]; out and lse as attention_f32 wrote them
 * writes    dqkv  laid out as qkv, overwritten; dq of the tokens that do not ask is 0
 * requires  as attention_f32, but scratch for 3·(tokens + 7)·(dim + 7) + dim + 2·(tokens + 8)·b numbers with
 *           b = min(208, max(56, 2¹⁷ / tokens)), on the path of four items, which bias and mask take, for 24·(tokens + 15)·(dim + 7) + 584·(tokens + 7) + 48
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
    expect_scratch(scratch, blocks_scratch(tokens, dim));
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
  const panels = (tokens + 7) >> 3;
  const depthBytes = <usize>dim << 5;
  const columnBytes = <usize>tokens << 5;
  const scoreBytes = <usize>block << 5;
  const tall = takes_tall(tokens, dim);
  const strips: usize = tall ? 3 : 1;

  const zeros = scratch;
  const ones = zeros + 64;
  const logs = ones + 64;
  const dots = logs + (<usize>block << 2);
  const tiles = dots + (<usize>block << 2);
  const strip = tiles + (<usize>panels << 7) * strips;
  const keyRows = strip + (<usize>max(panels << 3, max(dim, block)) << 4) * strips;
  const valueRows = keyRows + <usize>panels * depthBytes;
  const keyColumns = valueRows + <usize>panels * depthBytes;
  const scores = keyColumns + (<usize>tokens * <usize>((dim + 7) & ~7) << 2);
  const dscores = scores + <usize>panels * scoreBytes;
  fill_span(4, 0, zeros);
  fill_span(4, 1, ones);

  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const offset = <usize>(item - image * heads) * headBytes;
    const inQkv = <usize>(image * tokens) * qkvPitch + offset;
    const dk = dqkv + inQkv + outPitch;
    const dv = dk + outPitch;
    if (tall) {
      const inOut = <usize>(image * queries) * outPitch + offset;
      store<i32>(tiles, fetch_operands(tokens, queries, headBytes, qkv + inQkv, out + inOut, dout + inOut, outPitch));
    }
    pack_transposed(tokens, dim, 1, qkv + inQkv + outPitch, qkvPitch, keyRows);
    pack_transposed(tokens, dim, 1, qkv + inQkv + (outPitch << 1), qkvPitch, valueRows);
    pack_panels(tokens, dim, scale, qkv + inQkv + outPitch, qkvPitch, keyColumns);
    for (let first = 0; first < queries; first += block) {
      const rows = min(block, queries - first);
      const q = qkv + inQkv + <usize>first * qkvPitch;
      const dq = dqkv + inQkv + <usize>first * qkvPitch;
      const atOut = <usize>(image * queries + first) * outPitch + offset;
      row_dots(rows, dim, -1, out + atOut, dout + atOut, outPitch, dots, 4);
      scale_span(rows, LOG2_E, lse + (<usize>(item * queries + first) << 2), logs);
      let row = 0;
      if (tall) {
        for (; row + 12 <= rows; row += 12) {
          const at = <usize>row;
          differentiate_tall(
            tokens, dim, scale * LOG2_E, q + at * qkvPitch, qkvPitch, dout + atOut + at * outPitch, outPitch, keyRows,
            valueRows, keyColumns, dots + (at << 2), logs + (at << 2), strip, tiles, ones, scores + (at << 5),
            dscores + (at << 5), scoreBytes, dq + at * qkvPitch,
          );
        }
      }
      for (; row < rows; row += 4) {
        const at = <usize>row;
        const s = scores + (at << 5), ds = dscores + (at << 5);
        weave(rows - row, dim, scale * LOG2_E, q + at * qkvPitch, qkvPitch, strip, 16);
        multiply(panels, dim, strip, 16, 0, keyRows, depthBytes, zeros, s, scoreBytes, 32);
        weave(rows - row, dim, 1, dout + atOut + at * outPitch, outPitch, strip, 16);
        multiply(panels, dim, strip, 16, 0, valueRows, depthBytes, dots + (at << 2), ds, scoreBytes, 32);
        differentiate_rows(panels, s, ds, scoreBytes, logs + (at << 2));
        pack_strip(panels, ds, scoreBytes, strip);
        const whole = rows - row < 4 ? 0 : dim & ~7;
        const to = dq + at * qkvPitch;
        multiply(whole >> 3, tokens, strip, 16, 0, keyColumns, columnBytes, zeros, to, 32, qkvPitch);
        for (let c = whole; c < dim; c += 8) {
          const column = <usize>c << 2;
          multiply(1, tokens, strip, 16, 0, keyColumns + <usize>(c >> 3) * columnBytes, 0, zeros, tiles, 128, 32);
          put_rows(rows - row, dim - c, tiles, ones, to + column, qkvPitch);
        }
      }
      let c = 0;
      if (tall) {
        for (; c + 12 <= dim; c += 12) {
          const column = <usize>c << 2;
          const g = dout + atOut + column;
          columns_tall(
            tokens, rows, 1, g, outPitch, scores, scoreBytes, strip, tiles, first > 0, dv + column, qkvPitch,
          );
          columns_tall(
            tokens, rows, scale, q + column, qkvPitch, dscores, scoreBytes, strip, tiles, first > 0, dk + column,
            qkvPitch,
          );
        }
      }
      for (; c < dim; c += 4) {
        const column = <usize>c << 2;
        pack_columns(rows, dim - c, 1, dout + atOut + column, outPitch, strip);
        multiply(panels, rows, strip, 16, 0, scores, scoreBytes, zeros, tiles, 128, 32);
        put_columns(tokens, dim - c, tiles, 128, first > 0, dv + column, qkvPitch);
        pack_columns(rows, dim - c, scale, q + column, qkvPitch, strip);
        multiply(panels, rows, strip, 16, 0, dscores, scoreBytes, zeros, tiles, 128, 32);
        put_columns(tokens, dim - c, tiles, 128, first > 0, dk + column, qkvPitch);
      }
    }
  }
}
