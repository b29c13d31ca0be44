// The gradient of attention for four items at a time: attention_items.ts.
import {
  add_bias_and_mask, add_lanes, block_items, multiply_items, Operand, pack_items, row_bytes, score_items, table_of,
  TABLES_BYTES, take_lanes, unpack_items,
} from "./attention_items";
import { differentiate, LN_2, row_dots } from "./attention_softmax";
import { LOG2_E } from "./math";
import { fill_span } from "./span";

/** Numbers of working memory that differentiate_items takes. */
export function items_grad_scratch(tokens: i32, dim: i32): i64 {
  return 24 * <i64>(tokens + 15) * (dim + 7) + 584 * <i64>(tokens + 7) + 48;
}

/**
 * The gradients of the four items that the tables at `scratch` locate. The first `counted` of them are added to dbias
 * [tokens, tokens], if that is not 0; what follows the tables in scratch is working memory.
 */
export function differentiate_items(
  heads: i32, tokens: i32, dim: i32, queries: i32, scale: f32, qkv: usize, bias: usize, bias_row: i32,
  bias_column: i32, mask: usize, out: usize, lse: usize, dout: usize, dqkv: usize, counted: i32, dbias: usize,
  scratch: usize,
): void {
  const outPitch = <usize>(heads * dim) << 2;
  const qkvPitch = outPitch * 3;
  const block = block_items(tokens);
  const pitch = row_bytes(dim);
  const sPitch = row_bytes(tokens);
  const size = <usize>((tokens + 3) & ~3) * pitch;
  const inQkv = table_of(scratch, Operand.QKV);
  const inOut = table_of(scratch, Operand.OUT);

  const factors = scratch + TABLES_BYTES;
  const logs = factors + 64;
  const dots = logs + (<usize>((tokens + 3) & ~3) << 4);
  const keys = dots + (<usize>((tokens + 3) & ~3) << 4);
  const values = keys + size;
  const asked = values + size;
  const grads = asked + size;
  const dkeys = grads + size;
  const dvalues = dkeys + size;
  const dasked = dvalues + size;
  const scores = dasked + <usize>block * pitch;
  const dscores = scores + <usize>block * sPitch;

  fill_span(4, scale, factors);
  fill_span(4, LN_2, factors + 16);
  fill_span(4, 1, factors + 32);
  fill_span(4, 0, factors + 48);
  take_lanes(queries, LOG2_E, lse, table_of(scratch, Operand.ROWS), logs);
  for (let row = 0; row < tokens; row += 4) {
    const rows = min(4, tokens - row);
    const from = qkv + <usize>row * qkvPitch;
    const to = <usize>row * pitch;
    pack_items(rows, dim, 1, from + outPitch, inQkv, qkvPitch, keys + to, pitch);
    pack_items(rows, dim, 1, from + (outPitch << 1), inQkv, qkvPitch, values + to, pitch);
    if (row >= queries) continue;
    const asking = min(rows, queries - row);
    pack_items(asking, dim, scale * LOG2_E, from, inQkv, qkvPitch, asked + to, pitch);
    const at = <usize>row * outPitch;
    pack_items(asking, dim, 1, dout + at, inOut, outPitch, grads + to, pitch);
    negative_dots(asking, dim, out + at, dout + at, inOut, outPitch, dots + (<usize>row << 4));
  }
  for (let first = 0; first < queries; first += block) {
    const rows = min(block, queries - first);
    const at = <usize>first;
    const q = asked + at * pitch;
    const g = grads + at * pitch;
    score_items(rows, tokens, dim, factors + 48, 0, q, keys, pitch, scores, sPitch);
    score_items(rows, tokens, dim, dots + (at << 4), 16, g, values, pitch, dscores, sPitch);
    add_bias_and_mask(first, rows, tokens, bias, bias_row, bias_column, mask, scratch, scores, sPitch);
    differentiate(tokens, rows, scores, dscores, sPitch, logs + (at << 4));
    if (dbias) add_lanes(rows, tokens, counted, dscores, sPitch, dbias + (<usize>(first * tokens) << 2));
    multiply_items(tokens, dim, rows, scores, 16, sPitch, g, pitch, first > 0, dvalues);
    multiply_items(tokens, dim, rows, dscores, 16, sPitch, q, pitch, first > 0, dkeys);
    multiply_items(rows, dim, tokens, dscores, sPitch, 16, keys, pitch, false, dasked);
    unpack_items(rows, dim, factors, 0, dasked, pitch, dqkv + at * qkvPitch, inQkv, qkvPitch);
  }
  // asked holds q times scale·log₂(e), so that of dk only ln 2 is missing.
  unpack_items(tokens, dim, factors + 16, 0, dkeys, pitch, dqkv + outPitch, inQkv, qkvPitch);
  unpack_items(tokens, dim, factors + 32, 0, dvalues, pitch, dqkv + (outPitch << 1), inQkv, qkvPitch);
}

/** dots[r] = −Σ_c a[r, c]·b[r, c] of each item */
function negative_dots(rows: i32, dim: i32, a: usize, b: usize, table: usize, pitch: usize, dots: usize): void {
  for (let lane = 0; lane < 4; lane++, table += 4, dots += 4) {
    const offset = <usize>load<u32>(table);
    row_dots(rows, dim, -1, a + offset, b + offset, pitch, dots, 16);
  }
}
