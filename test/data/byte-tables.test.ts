import * as assert from "uvu/assert";
import {
  applyTables,
  autoContrastTable,
  equalizeTable,
  histogram,
  invertTable,
  posterizeTable,
  solarizeAddTable,
  solarizeTable,
} from "../../src/data/byte-tables.js";
import { ConfigError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

/** A histogram with the given counts by level. */
const counts = (given: Record<number, number>) => Int32Array.from({ length: 256 }, (_, level) => given[level] ?? 0);
const identity = Uint8Array.from({ length: 256 }, (_, level) => level);

test("each table gives the levels worked out by hand", () => {
  const at = (table: Uint8Array, ...levels: number[]) => levels.map((level) => table[level]);
  assert.equal(at(invertTable(), 0, 1, 200, 255), [255, 254, 55, 0]);
  assert.equal(at(posterizeTable(3), 31, 32, 255), [0, 32, 224]);
  assert.equal(at(posterizeTable(0), 1, 255), [0, 0]);
  assert.equal(posterizeTable(8), identity);
  assert.equal(at(solarizeTable(100), 99, 100, 255), [99, 155, 0]);
  assert.equal(solarizeTable(256), identity);
  assert.equal(at(solarizeAddTable(110), 0, 127, 128, 200), [110, 237, 128, 200]);
});

test("the levels that occur are stretched over the whole range, cut to whole levels", () => {
  const table = autoContrastTable(counts({ 50: 3, 100: 1, 152: 9 }));
  assert.equal([table[50], table[152], table[20], table[200]], [0, 255, 0, 255]);
  assert.is(table[100], Math.trunc((50 * 255) / 102));
});

test("equalising gives each level the share of pixels below it", () => {
  // 1000 pixels, the last level has 235: step = 765 / 255 = 3, starting at 1.
  const table = equalizeTable(counts({ 10: 300, 20: 465, 30: 235 }));
  assert.equal([table[10], table[11], table[20], table[21], table[30]], [0, 100, 100, 255, 255]);
});

test("an image of one level, or of too few pixels, stays as it is", () => {
  assert.equal(autoContrastTable(counts({ 77: 5 })), identity);
  assert.equal(equalizeTable(counts({ 77: 5 })), identity);
  assert.equal(equalizeTable(counts({ 77: 200, 78: 3 })), identity);
  assert.equal(equalizeTable(counts({})), identity);
});

test("tables are applied channel by channel, or one to all", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  assert.equal(histogram(bytes, 1, 3)[5], 1);
  assert.equal(histogram(bytes, 1, 3)[4], 0);
  applyTables(bytes, [identity, invertTable(), identity], 3);
  assert.equal([...bytes], [1, 253, 3, 4, 250, 6]);
  applyTables(bytes, [invertTable()], 3);
  assert.equal([...bytes], [254, 2, 252, 251, 5, 249]);
  refuses(() => applyTables(bytes, [identity, identity], 3), ConfigError, "2 tables for 3 channels");
});
