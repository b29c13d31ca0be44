import * as assert from "uvu/assert";
import { dropPathPerSample, stochasticDepth } from "../../src/nn/drop-path.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";

test("rate zero draws nothing", () => {
  const rng = new Rng(1);
  assert.equal(stochasticDepth(rng)(8, 0), {});
  assert.is(rng.next32(), new Rng(1).next32());
});

test("above 0.1 a subset of ⌊B(1−r)⌋ samples, at least one, is computed with factor B/subset", () => {
  const draw = stochasticDepth(new Rng(1));
  for (const [batch, rate, subset] of [
    [10, 0.2, 8],
    [5, 0.2, 4],
    [7, 0.5, 3],
    [2, 0.9, 1],
    [1, 0.5, 1],
    [3, 0.11, 2],
  ]) {
    const { rows, scale } = draw(batch, rate);
    assert.is(rows!.length, subset);
    assert.is(scale, batch / subset);
    assert.is(new Set(rows).size, subset, "each sample at most once");
    assert.ok(rows!.every((row) => row >= 0 && row < batch));
  }
});

test("every sample is as likely to be in the subset", () => {
  const draw = stochasticDepth(new Rng(7));
  const counts = new Array<number>(6).fill(0);
  const draws = 6000;
  for (let i = 0; i < draws; i++) for (const row of draw(6, 0.4).rows!) counts[row]++;
  const expected = draws * (3 / 6);
  for (const count of counts) assert.ok(Math.abs(count - expected) < 5 * Math.sqrt(expected / 2), `${counts}`);
});

test("up to 0.1 samples are dropped one by one, kept ones divided by 1 − r", () => {
  const draw = stochasticDepth(new Rng(3));
  let [kept, total] = [0, 0];
  for (let i = 0; i < 500; i++) {
    const { rows, scale } = draw(20, 0.1);
    assert.is(rows, undefined);
    for (const factor of scale as Float32Array) {
      assert.ok(factor === 0 || factor === Math.fround(1 / 0.9));
      kept += factor > 0 ? 1 : 0;
      total++;
    }
  }
  assert.ok(Math.abs(kept - 0.9 * total) < 5 * Math.sqrt(total * 0.09), `${kept} of ${total}`);
});

test("a seed repeats its draws, the next draw of a stream differs", () => {
  const [a, b] = [stochasticDepth(new Rng(5)), stochasticDepth(new Rng(5))];
  const [first, second] = [a(32, 0.5).rows!, a(32, 0.5).rows!];
  assert.equal(b(32, 0.5).rows, first);
  assert.not.equal(first, second);
});

test("samples dropped one by one at any rate are kept with probability 1 − r and divided by it", () => {
  const draw = dropPathPerSample(new Rng(4));
  assert.equal(draw(8, 0), {});
  let [kept, total] = [0, 0];
  for (let i = 0; i < 500; i++) {
    const { rows, scale } = draw(20, 0.4);
    assert.is(rows, undefined);
    for (const factor of scale as Float32Array) {
      assert.ok(factor === 0 || factor === Math.fround(1 / 0.6));
      kept += factor > 0 ? 1 : 0;
      total++;
    }
  }
  assert.ok(Math.abs(kept - 0.6 * total) < 5 * Math.sqrt(total * 0.24), `${kept} of ${total}`);
});
