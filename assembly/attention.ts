import {
  add_bias_and_mask, block_items, locate_item, multiply_items, Operand, pack_items, put_lanes, row_bytes, score_items,
  side_by_side, table_of, TABLES_BYTES, unpack_items,
} from "./attention_items";
import { exponentiate } from "./attention_softmax";
import { attend_tall, TALL_QUERIES } from "./attention_tall";
import { multiply, pack_panels, pack_strips, pack_transposed, put_rows } from "./attention_tile";
import {
  expect_aligned, expect_at_least, expect_at_most, expect_divisor, expect_range, expect_scratch,
} from "./contract";
import { uses_tall_tiles } from "./gemm_tile_tall";
import { LOG2_E } from "./math";
import { copy_span, fill_span } from "./span";

/**
 * out = softmax(scale·q·kᵀ + bias + mask)·v per image and head          the scores of a block of queries, none kept
 *
 * reads     qkv  f32[items / heads, tokens, 3, heads, dim], contiguous; of q the first `queries` tokens
 *           bias  f32[heads, tokens, tokens], strides bias_head, bias_row and bias_column, or 0 for none;
 *           mask  f32[windows, tokens, tokens], contiguous, entry image mod windows, or 0 for none; −∞ masks a key
 * writes    out  f32[items / heads, queries, heads, dim], contiguous;
 *           lse  f32[items, queries]: log Σ_j exp(scale·q·k_j + bias + mask) per query, for the gradient
 * requires  item = image·heads + head; 1 ≤ queries ≤ tokens; dim ≥ 1; mask = 0 or windows ≥ 1; scratch for
 *           (tokens + 3)·(2·dim + 15) + 8·dim + 96 numbers, in tiles of six rows (tokens + 3)·(2·dim + 31) + 24·dim + 256,
 *           on the path of four items, which bias and mask take, for
 *           12·(tokens + 27)·(dim + 7) + 288·(tokens + 7) + 624; 0 ≤ begin ≤ end ≤ items
 * splits    over items, anywhere
 * error     relative to the largest |v|: about 5e-7·(1 + the largest |score|)
 */
export function attention_f32(
  items: i32, heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize, bias: usize, bias_head: i32,
  bias_row: i32, bias_column: i32, mask: usize, windows: i32, out: usize, lse: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  expect_range(items, begin, end);
  expect_aligned(qkv | bias | mask | out | lse);
  expect_divisor(heads, items);
  expect_at_least(queries, 1);
  expect_at_most(queries, tokens);
  expect_at_least(dim, 1);
  if (side_by_side(tokens, dim) || (bias | mask) != 0) {
    expect_scratch(scratch, 12 * <i64>(tokens + 27) * (dim + 7) + 288 * <i64>(tokens + 7) + 624);
    attend_items(
      heads, tokens, dim, queries, scale, qkv, bias, bias_head, bias_row, bias_column, mask, mask ? windows : 0, out,
      lse, scratch, begin, end,
    );
  } else {
    expect_scratch(scratch, <i64>(tokens + 3) * (2 * dim + 15) + 8 * <i64>dim + 96);
    attend_blocks(heads, tokens, dim, queries, scale, qkv, out, lse, scratch, begin, end);
  }
}

/** Four items at a time: attention_items.ts. */
function attend_items(
  heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize, bias: usize, bias_head: i32,
  bias_row: i32, bias_column: i32, mask: usize, windows: i32, out: usize, lse: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  const outPitch = <usize>(heads * dim) << 2;
  const qkvPitch = outPitch * 3;
  const block = block_items(tokens);
  const pitch = row_bytes(dim);
  const sPitch = row_bytes(tokens);

  const inQkv = table_of(scratch, Operand.QKV);
  const inOut = table_of(scratch, Operand.OUT);
  const keys = scratch + TABLES_BYTES;
  const values = keys + <usize>((tokens + 3) & ~3) * pitch;
  const asked = values + <usize>((tokens + 3) & ~3) * pitch;
  const averages = asked + <usize>((tokens + 3) & ~3) * pitch;
  const inverse = averages + <usize>block * pitch;
  const logs = inverse + (<usize>block << 4);
  const zeros = logs + (<usize>block << 4);
  const scores = zeros + 64;
  fill_span(4, 0, zeros);

  for (let item = begin; item < end; item += 4) {
    for (let lane = 0; lane < 4; lane++) {
      locate_item(scratch, lane, min(item + lane, end - 1), heads, tokens, queries, dim, bias_head, windows);
    }
    for (let row = 0; row < tokens; row += 4) {
      const rows = min(4, tokens - row);
      const from = qkv + <usize>row * qkvPitch;
      const to = <usize>row * pitch;
      const asking = min(rows, queries - row);
      pack_items(asking, dim, scale * LOG2_E, from, inQkv, qkvPitch, asked + to, pitch);
      pack_items(rows, dim, 1, from + outPitch, inQkv, qkvPitch, keys + to, pitch);
      pack_items(rows, dim, 1, from + (outPitch << 1), inQkv, qkvPitch, values + to, pitch);
    }
    for (let first = 0; first < queries; first += block) {
      const rows = min(block, queries - first);
      const at = <usize>first;
      score_items(rows, tokens, dim, zeros, 0, asked + at * pitch, keys, pitch, scores, sPitch);
      add_bias_and_mask(first, rows, tokens, bias, bias_row, bias_column, mask, scratch, scores, sPitch);
      exponentiate(tokens, rows, scores, sPitch, 16, inverse, logs);
      put_lanes(rows, logs, lse + (at << 2), table_of(scratch, Operand.ROWS));
      multiply_items(rows, dim, tokens, scores, sPitch, 16, values, pitch, false, averages);
      unpack_items(rows, dim, inverse, 16, averages, pitch, out + at * outPitch, inOut, outPitch);
    }
  }
}

/** One item at a time, its numbers side by side: attention_tile.ts. What eight queries need stays in the first cache. */
function attend_blocks(
  heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize, out: usize, lse: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  const headBytes = <usize>dim << 2;
  const outPitch = <usize>heads * headBytes;
  const qkvPitch = outPitch * 3;
  const strips = (tokens + 3) >> 2;
  const panelBytes = <usize>tokens << 5;
  const tall = uses_tall_tiles() && queries >= TALL_QUERIES;
  const most: usize = tall ? <usize>TALL_QUERIES : 8;

  const zeros = scratch;
  const inverse = zeros + 32;
  const logs = inverse + (most << 2);
  const tiles = logs + (most << 2) + 32;
  const asked = tiles + (most << 5);
  const keys = asked + headBytes * most;
  const values = keys + <usize>strips * (headBytes << 2);
  const scores = values + <usize>((dim + 7) >> 3) * panelBytes;
  fill_span(4, 0, zeros);

  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const offset = <usize>(item - image * heads) * headBytes;
    let q = qkv + <usize>(image * tokens) * qkvPitch + offset;
    let o = out + <usize>(image * queries) * outPitch + offset;
    let l = lse + (<usize>item * <usize>queries << 2);
    store<i32>(tiles, fetch(tokens, queries, headBytes, q, outPitch));
    pack_strips(tokens, dim, 1, q + outPitch, qkvPitch, keys);
    pack_panels(tokens, dim, 1, q + (outPitch << 1), qkvPitch, values);
    let rows = queries;
    if (tall) {
      for (; rows >= TALL_QUERIES; rows -= TALL_QUERIES, q += qkvPitch * most, o += outPitch * most, l += most << 2) {
        const factor = scale * LOG2_E;
        attend_tall(
          tokens, dim, factor, q, qkvPitch, keys, values, zeros, inverse, logs, tiles, asked, scores, o, outPitch,
        );
        copy_span(TALL_QUERIES, logs, l);
      }
    }
    for (; rows > 0; rows -= 8, q += qkvPitch << 3, o += outPitch << 3, l += 32) {
      const halves = rows > 4 ? 2 : 1;
      pack_transposed(min(8, rows), dim, scale * LOG2_E, q, qkvPitch, asked);
      multiply(strips, dim, keys, 16, headBytes << 2, asked, 0, zeros, scores, 128, 32);
      exponentiate(tokens, halves, scores, 16, 32, inverse, logs);
      copy_span(min(8, rows), logs, l);
      let panel = values;
      let to = o;
      for (let left = dim; left > 0; left -= 8, panel += panelBytes, to += 32) {
        multiply(halves, tokens, scores, 32, 16, panel, 0, zeros, tiles, 128, 32);
        put_rows(rows, left, tiles, inverse, to, outPitch);
        if (rows > 4) put_rows(rows - 4, left, tiles + 128, inverse + 16, to + (outPitch << 2), outPitch);
      }
    }
  }
}

/**
 * Reads a word of each cache line of the three operands: many lines are then on their way at once, where packing would
 * wait for a few at a time. Gains 4 % where the batch is larger than the second cache.
 */
function fetch(tokens: i32, queries: i32, bytes: usize, q: usize, part: usize): i32 {
  let x = 0;
  for (let row = 0; row < tokens; row++, q += part * 3) {
    const stop = q + part + bytes;
    for (let k = q + part; k < stop; k += 64) {
      x |= load<i32>(k) | load<i32>(k + part);
      if (row < queries) x |= load<i32>(k - part);
    }
  }
  return x;
}
