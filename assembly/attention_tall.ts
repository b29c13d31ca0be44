// Attention in register tiles of six rows, for the relaxed build: gemm_tile_tall.ts. Three strips of queries, keys or
// columns go at a time; operands are packed, and results laid out, as in attention_tile.ts.
import { differentiate_rows, exponentiate } from "./attention_softmax";
import {
  multiply, pack_columns, pack_strip, pack_strips, pack_transposed, put_columns, put_rows,
} from "./attention_tile";
import { tiles_12x8 } from "./gemm_tile_tall";

/** Queries in a block of the forward pass: three panels, whose six strips fill four tiles. */
// @ts-ignore: decorator
@inline
export const TALL_QUERIES: i32 = 24;

/** c[i, t] = start[i] + Σ_k a[k, i]·b[k, t] for three strips of a, stripBytes apart, and each panel of b, as multiply. */
// @ts-ignore: decorator
@inline
function multiply_tall(
  panels: i32, k: i32, a: usize, stripBytes: usize, b: usize, bBytes: usize, start: usize, c: usize, tileBytes: usize,
  pitch: usize,
): void {
  tiles_12x8(
    panels, k, a, a + stripBytes, a + 2 * stripBytes, 16, 0, b, bBytes, start, 0, 0, c, tileBytes, pitch,
  );
}

/** attend_blocks for 24 queries of one item, whose keys are packed in strips and values in panels. */
export function attend_tall(
  tokens: i32, dim: i32, scale: f32, q: usize, qkvPitch: usize, keys: usize, values: usize, zeros: usize,
  inverse: usize, logs: usize, tiles: usize, asked: usize, scores: usize, out: usize, outPitch: usize,
): void {
  const askedBytes = <usize>dim << 5;
  const panelBytes = <usize>tokens << 5;
  const stripBytes = <usize>dim << 4;
  const strips = (tokens + 3) >> 2;
  const scoreBytes = <usize>strips << 7;
  pack_transposed(TALL_QUERIES, dim, scale, q, qkvPitch, asked);
  let to = scores;
  let left = strips;
  for (; left >= 3; left -= 3, keys += 3 * stripBytes, to += 384) {
    multiply_tall(3, dim, keys, stripBytes, asked, askedBytes, 0, to, scoreBytes, 32);
  }
  for (let panel: usize = 0; panel < 3; panel++, to += scoreBytes, asked += askedBytes) {
    multiply(left, dim, keys, 16, stripBytes, asked, 0, zeros, to, 128, 32);
    exponentiate(tokens, 2, scores + panel * scoreBytes, 16, 32, inverse + (panel << 5), logs + (panel << 5));
  }
  const second = scores + scoreBytes;
  const third = second + scoreBytes;
  for (let columns = dim; columns > 0; columns -= 8, values += panelBytes, out += 32) {
    tiles_12x8(1, tokens, scores, scores + 16, second, 32, 0, values, 0, 0, 0, 0, tiles, 0, 32);
    tiles_12x8(1, tokens, second + 16, third, third + 16, 32, 0, values, 0, 0, 0, 0, tiles + 384, 0, 32);
    for (let row: usize = 0; row < <usize>TALL_QUERIES; row += 4) {
      put_rows(4, columns, tiles + (row << 5), inverse + (row << 2), out + row * outPitch, outPitch);
    }
  }
}

/**
 * P, dS and dq of twelve queries of one item: P and dS go to their rows of s and ds, panels of keys scoreBytes apart.
 * Keys are packed as rows and, times scale, as columns.
 */
export function differentiate_tall(
  tokens: i32, dim: i32, scale: f32, q: usize, qkvPitch: usize, dout: usize, outPitch: usize, keyRows: usize,
  valueRows: usize, keyColumns: usize, dots: usize, logs: usize, strips: usize, tiles: usize, ones: usize, s: usize,
  ds: usize, scoreBytes: usize, dq: usize,
): void {
  const panels = (tokens + 7) >> 3;
  const depthBytes = <usize>dim << 5;
  const columnBytes = <usize>tokens << 5;
  const depthStrip = <usize>dim << 4;
  const keyStrip = <usize>panels << 7;
  pack_strips(12, dim, scale, q, qkvPitch, strips);
  multiply_tall(panels, dim, strips, depthStrip, keyRows, depthBytes, 0, s, scoreBytes, 32);
  pack_strips(12, dim, 1, dout, outPitch, strips);
  multiply_tall(panels, dim, strips, depthStrip, valueRows, depthBytes, dots, ds, scoreBytes, 32);
  for (let row: usize = 0; row < 12; row += 4) {
    const at = row << 5;
    differentiate_rows(panels, s + at, ds + at, scoreBytes, logs + (row << 2));
    pack_strip(panels, ds + at, scoreBytes, strips + (row >> 2) * keyStrip);
  }
  const whole = dim & ~7;
  multiply_tall(whole >> 3, tokens, strips, keyStrip, keyColumns, columnBytes, 0, dq, 32, qkvPitch);
  if (whole == dim) return;
  multiply_tall(1, tokens, strips, keyStrip, keyColumns + <usize>(whole >> 3) * columnBytes, 0, 0, tiles, 0, 32);
  for (let row: usize = 0; row < 12; row += 4) {
    put_rows(4, dim - whole, tiles + (row << 5), ones, dq + row * qkvPitch + (<usize>whole << 2), qkvPitch);
  }
}

/** c[j, i] = scale·Σ_r x[r, i]·s[r, j] for twelve i and each key j, added to what is there if `accumulate` */
export function columns_tall(
  tokens: i32, rows: i32, scale: f32, x: usize, xPitch: usize, s: usize, scoreBytes: usize, strips: usize,
  tiles: usize, accumulate: bool, c: usize, pitch: usize,
): void {
  const stripBytes = <usize>rows << 4;
  for (let i: usize = 0; i < 3; i++) pack_columns(rows, 4, scale, x + (i << 4), xPitch, strips + i * stripBytes);
  multiply_tall((tokens + 7) >> 3, rows, strips, stripBytes, s, scoreBytes, 0, tiles, 384, 32);
  for (let i: usize = 0; i < 3; i++) put_columns(tokens, 4, tiles + (i << 7), 384, accumulate, c + (i << 4), pitch);
}

/**
 * Reads a word of each cache line of one item's operands, as `fetch` of attention.ts. Gains 3 %.
 */
export function fetch_operands(
  tokens: i32, queries: i32, bytes: usize, q: usize, out: usize, dout: usize, outPitch: usize,
): i32 {
  let x = 0;
  for (let row = 0; row < tokens; row++, q += outPitch * 3, out += outPitch, dout += outPitch) {
    for (let at: usize = 0; at < bytes; at += 64) {
      const k = q + outPitch + at;
      x |= load<i32>(k) | load<i32>(k + outPitch);
      if (row < queries) x |= load<i32>(q + at) | load<i32>(out + at) | load<i32>(dout + at);
    }
  }
  return x;
}
