import * as assert from "uvu/assert";
import { passOrder } from "../../src/data/order.js";
import { alone } from "../../src/runtime/collective.js";
import { configOfRank, shareOf } from "../../src/train/rank-share.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";

const ranksOf = (size: number) => Array.from({ length: size }, (_, rank) => ({ ...alone, rank, size }));

test("each image belongs to one rank, and shares differ by one image at most", () => {
  const source = squareSource(11);
  for (const size of [1, 2, 3, 11]) {
    const shares = ranksOf(size).map((rank) => shareOf(source, 5, rank));
    const lengths = shares.map(({ length }) => length);
    assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1, `${lengths}`);
    const paths = shares.flatMap((share) => Array.from({ length: share.length }, (_, i) => share.path(i)));
    assert.equal(paths.sort(), Array.from({ length: 11 }, (_, i) => source.path(i)).sort());
  }
});

test("the division is a function of the seed, and is no stretch of the source", () => {
  const source = squareSource(40);
  const paths = (seed: number) => {
    const share = shareOf(source, seed, { ...alone, size: 2 });
    return Array.from({ length: share.length }, (_, i) => share.path(i));
  };
  assert.equal(paths(1), paths(1));
  assert.not.equal(paths(1), paths(2));
  assert.not.equal(
    paths(1),
    Array.from({ length: 20 }, (_, i) => source.path(i)),
  );
});

test("ranks draw apart; rank 0 draws as a process on its own", () => {
  const config = runConfig("train.seed=3");
  const seeds = ranksOf(4).map((rank) => configOfRank(config, rank).train.seed);
  assert.is(seeds[0], 3);
  assert.is(new Set(seeds).size, 4);
  assert.not.equal(passOrder(20, seeds[0], 0), passOrder(20, seeds[1], 0));
  assert.is(configOfRank(config, ranksOf(4)[0]), config);
});
