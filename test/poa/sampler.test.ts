import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { NetworkSampler } from "../../src/poa/sampler.js";
import { test } from "../support/test.js";

function draw(sampler: NetworkSampler, steps: number): number[] {
  return Array.from({ length: steps }, () => sampler.next()).flat();
}

const ascending = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test("each pass draws every entry but the full network exactly once, in a new order", () => {
  const sampler = new NetworkSampler({ networks: 48, seed: 0 });
  const passes = [draw(sampler, 47), draw(sampler, 47), draw(sampler, 47)];
  for (const pass of passes) assert.equal(ascending(pass), range(47));
  assert.not.equal(passes[0], passes[1]);
  assert.not.equal(passes[1], passes[2]);
  assert.not.equal(passes[0], range(47));
});

test("the sequence is a function of seed and rank", () => {
  const sequence = (seed: number, rank?: number) => draw(new NetworkSampler({ networks: 48, seed, rank }), 100);
  assert.equal(sequence(7), sequence(7, 0));
  assert.not.equal(sequence(7), sequence(8));
  assert.not.equal(sequence(7), sequence(7, 1));
});

test("several networks per step continue the same sequence", () => {
  const one = draw(new NetworkSampler({ networks: 12, seed: 3 }), 30);
  const sampler = new NetworkSampler({ networks: 12, seed: 3, samplesPerStep: 3 });
  assert.is(sampler.next().length, 3);
  assert.equal([...one.slice(0, 3), ...draw(sampler, 9)], one);
});

test("without networks per step nothing is drawn, and the sampler stays where it is", () => {
  const sampler = new NetworkSampler({ networks: 12, seed: 3, samplesPerStep: 0 });
  const start = sampler.state();
  assert.equal(draw(sampler, 5), []);
  assert.equal(sampler.state(), start);
});

test("a restored sampler continues exactly, from any point, through JSON", () => {
  for (const steps of [0, 1, 10, 11, 12, 23]) {
    const sampler = new NetworkSampler({ networks: 12, seed: 5, rank: 2 });
    draw(sampler, steps);
    const state = JSON.parse(JSON.stringify(sampler.state()));
    assert.equal(Object.keys(state), ["seed", "pass", "position"]);
    const resumed = new NetworkSampler({ networks: 12, seed: 999, rank: 2 });
    resumed.restore(state);
    assert.equal(draw(resumed, 40), draw(sampler, 40), `after ${steps} steps`);
  }
});

test("a space of two networks alternates with nothing, a space of one yields the full network", () => {
  assert.equal(draw(new NetworkSampler({ networks: 2, seed: 0 }), 5), [0, 0, 0, 0, 0]);
  assert.equal(draw(new NetworkSampler({ networks: 1, seed: 0 }), 3), [0, 0, 0]);
});

test("states and options that cannot be are refused", () => {
  const sampler = new NetworkSampler({ networks: 12, seed: 0 });
  const before = sampler.state();
  for (const state of [
    { seed: 0, pass: -1, position: 0 },
    { seed: 0, pass: 0, position: 12 },
    { seed: 0, pass: 0.5, position: 0 },
    { seed: Number.NaN, pass: 0, position: 0 },
  ]) {
    assert.throws(
      () => sampler.restore(state),
      (error: unknown) => error instanceof ConfigError && /sampler: state/.test(error.message),
    );
  }
  assert.equal(sampler.state(), before);
  assert.throws(() => new NetworkSampler({ networks: 0, seed: 0 }), /one network or more/);
  assert.throws(
    () => new NetworkSampler({ networks: 5, seed: 0, samplesPerStep: -1 }),
    /samples per step, got 5 and -1/,
  );
});
