import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { keptBlocks } from "../../src/elastic/blocks.js";
import { ConfigError } from "../../src/errors.js";
import { test } from "../support/test.js";

const fixture = new URL("../../../test/fixtures/golden/sampler.json", import.meta.url);
const golden: { block_idx: { max_depth: number; depth: number; idx: number[] }[] } = JSON.parse(
  readFileSync(fixture, "utf8"),
);

test("kept blocks equal the published tables", () => {
  assert.is(golden.block_idx.length, 62);
  for (const { max_depth, depth, idx } of golden.block_idx) assert.equal(keptBlocks(max_depth, depth), idx);
});

test("31 blocks cut to 23 keep block 14, as the published double-precision rule says", () => {
  assert.is(Math.floor((11 * 30) / 22), 15);
  assert.is(keptBlocks(31, 23)[11], 14);
});

test("the first and the last block are always kept, in ascending order without repeats", () => {
  for (let total = 2; total <= 64; total++) {
    for (let kept = 2; kept <= total; kept++) {
      const blocks = keptBlocks(total, kept);
      assert.is(blocks.length, kept);
      assert.is(blocks[0], 0);
      assert.is(blocks[kept - 1], total - 1);
      assert.ok(
        blocks.every((block, j) => j === 0 || block > blocks[j - 1]),
        `${kept} of ${total}: ${blocks}`,
      );
    }
  }
});

test("one kept block is the first, all kept blocks are all", () => {
  assert.equal(keptBlocks(24, 1), [0]);
  assert.equal(keptBlocks(1, 1), [0]);
  assert.equal(keptBlocks(4, 4), [0, 1, 2, 3]);
});

test("a number of blocks that cannot be kept is refused with the range that can", () => {
  for (const kept of [0, -1, 13, 2.5, Number.NaN]) {
    assert.throws(
      () => keptBlocks(12, kept),
      (error: unknown) => error instanceof ConfigError && error.message.includes("from 1 to 12"),
    );
  }
});
