import {
  add_bias_and_mask, block_items, locate_item, multiply_items, Operand, pack_items, put_lanes, row_bytes, score_items,
  side_by_side, table_of, TABLES_BYTES, unpack_items,
} from "./attention_items";
import { exponentiate } from "./attention_softmax";
import {
  block_rows, pack_panels, pack_strips, pack_transposed, panels_bytes, product_by_query, product_scores,
  strip_bytes, strips_bytes,
} from "./attention_tile";
import {
  expect_aligned, expect_at_least, expect_at_most, expect_divisor, expect_range, expect_scratch,
} from "./contract";
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
 *           2·(tokens + 3)·(dim + 7) + 56·(dim + tokens + 9) numbers, on the path of four items, which
 *           bias and mask take, for 12·(tokens + 27)·(dim + 7) + 288·(tokens + 7) + 624; 0 ≤ begin ≤ end ≤ items
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
    expect_scratch(scratch, 2 * <i64>(tokens + 3) * (dim + 7) + 56 * <i64>(dim + tokens + 9));
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
      exponentiate(tokens, rows, scores, sPitch, inverse, logs);
      put_lanes(rows, logs, lse + (at << 2), table_of(scratch, Operand.ROWS));
      multiply_items(rows, dim, tokens, scores, sPitch, 16, values, pitch, false, averages);
      unpack_items(rows, dim, inverse, 16, averages, pitch, out + at * outPitch, inOut, outPitch);
    }
  }
}

/** One item at a time, its numbers side by side: attention_tile.ts. */
function attend_blocks(
  heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize, out: usize, lse: usize,
  scratch: usize, begin: i32, end: i32,
): void {
  const headBytes = <usize>dim << 2;
  const outPitch = <usize>heads * headBytes;
  const qkvPitch = outPitch * 3;
  const block = block_rows(tokens);
  const stripBytes = strip_bytes(tokens);

  const keys = scratch;
  const values = keys + strips_bytes(tokens, dim);
  const asked = values + panels_bytes(tokens, dim);
  const inverse = asked + strips_bytes(block, dim);
  const logs = inverse + (<usize>block << 2);
  const zeros = logs + (<usize>block << 2);
  const scores = zeros + 64;
  fill_span(8, 0, zeros);

  for (let item = begin; item < end; item++) {
    const image = item / heads;
    const offset = <usize>(item - image * heads) * headBytes;
    const q = qkv + <usize>(image * tokens) * qkvPitch + offset;
    const o = out + <usize>(image * queries) * outPitch + offset;
    const l = lse + (<usize>item * <usize>queries << 2);
    pack_strips(tokens, dim, 1, q + outPitch, qkvPitch, keys);
    pack_panels(tokens, dim, 1, q + (outPitch << 1), qkvPitch, values);
    for (let first = 0; first < queries; first += block) {
      const rows = min(block, queries - first);
      const at = <usize>first;
      pack_transposed(rows, dim, scale * LOG2_E, q + at * qkvPitch, qkvPitch, asked);
      product_scores(tokens, rows, dim, zeros, 0, keys, asked, scores, stripBytes);
      exponentiate(tokens, (rows + 3) >> 2, scores, stripBytes, inverse, logs);
      copy_span(rows, logs, l + (at << 2));
      product_by_query(rows, dim, tokens, scores, stripBytes, values, inverse, o + at * outPitch, outPitch);
    }
  }
}
