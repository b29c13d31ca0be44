import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { type Depth, resnetSpace, type SearchSpace, swinSpace, vitSpace } from "../../src/elastic/space.js";
import { ConfigError } from "../../src/errors.js";
import { test } from "../support/test.js";

interface GoldenSampler {
  kind: "vit" | "swin" | "resnet";
  num_networks: number;
  intact_network_id: number;
  networks_run_length: [number | number[], number | number[], number][];
}

const fixture = new URL("../../../test/fixtures/golden/sampler.json", import.meta.url);
const golden: GoldenSampler[] = JSON.parse(readFileSync(fixture, "utf8")).samplers;

const vit = vitSpace({ minWidth: 384, maxWidth: 1024, headDim: 64, minDepth: 12, maxDepth: 24, scale: 3 });
const swin = swinSpace({ minWidth: 96, maxWidth: 128, headDim: 16, minDepth: 6, maxDepths: [2, 2, 18, 2], scale: 2 });
const resnet = resnetSpace({
  baseChannels: 64,
  groups: 32,
  minDepths: [3, 4, 6, 3],
  maxDepths: [3, 8, 36, 3],
  scale: 2,
});
const official: Record<GoldenSampler["kind"], SearchSpace> = { vit, swin, resnet };

function runLengths<D extends Depth>(space: SearchSpace<D>): [number, D, number][] {
  return space.distinct().map(({ width, depth, draws }) => [width, depth, draws]);
}

function message(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("expected a ConfigError");
}

for (const { kind, num_networks, intact_network_id, networks_run_length } of golden) {
  test(`the ${kind} search space equals the published list, multiplicities included`, () => {
    const expected = networks_run_length.map(([width, depth, draws]) => [
      Array.isArray(width) ? width[0] : width,
      depth,
      draws,
    ]);
    assert.equal(runLengths(official[kind]), expected);
    assert.is(official[kind].length, num_networks);
    assert.is(official[kind].at(intact_network_id), official[kind].full);
  });
}

test("the golden file holds the three backbones, and the counts of the paper", () => {
  assert.equal(
    golden.map(({ kind }) => kind),
    ["vit", "swin", "resnet"],
  );
  assert.equal(
    [vit, swin, resnet].map((space) => space.distinct().length),
    [143, 39, 465],
  );
});

test("small search spaces have the lists of the published step cases", () => {
  const tinyVit = vitSpace({ minWidth: 16, maxWidth: 32, headDim: 8, minDepth: 2, maxDepth: 4 });
  assert.equal(
    tinyVit
      .distinct()
      .map(({ name, draws }) => `${name}:${draws}`)
      .join(" "),
    "16x2:9 16x3:6 16x4:3 24x2:6 24x3:4 24x4:2 32x2:3 32x3:2 32x4:1",
  );
  const tinySwin = swinSpace({ minWidth: 4, maxWidth: 8, headDim: 2, minDepth: 2, maxDepths: [1, 1, 3, 1] });
  assert.equal(
    tinySwin
      .distinct()
      .map(({ name, draws }) => `${name}:${draws}`)
      .join(" "),
    "4x2:4 4x3:2 6x2:3 6x3:2 8x2:2 8x3:1",
  );
  const tinyResnet = resnetSpace({ baseChannels: 4, groups: 2, minDepths: [1, 1, 2, 1], maxDepths: [1, 2, 3, 1] });
  assert.is(tinyResnet.length, 18);
  assert.equal(
    tinyResnet
      .distinct()
      .slice(0, 4)
      .map(({ name, draws }) => `${name}:${draws}`)
      .join(" "),
    "4x1x2:2 4x1x3:2 4x2x2:1 4x2x3:1",
  );
});

test("entries of the list follow the run lengths, the full network last and once", () => {
  assert.equal(
    Array.from({ length: 10 }, (_, id) => vit.at(id).name),
    [...new Array(9).fill("384x12"), "384x13"],
  );
  assert.is(vit.full.draws, 1);
  assert.is(vit.at(vit.length - 2).name, "1024x23");
  for (const id of [-1, 573, 0.5]) assert.throws(() => vit.at(id), /outside the list of 573 entries/);
});

test("intervals thin a ViT space out", () => {
  const options = { minWidth: 384, maxWidth: 1024, headDim: 64, minDepth: 12, maxDepth: 24 };
  assert.is(vitSpace({ ...options, widthInterval: 2, depthInterval: 2 }).distinct().length, 42);
  assert.throws(() => vitSpace({ ...options, widthInterval: 3 }), /do not end on 1024/);
  assert.throws(() => vitSpace({ ...options, depthInterval: 5 }), /depths from 12 to 24/);
});

test("an axis with a single value does not make the full network frequent", () => {
  const space = vitSpace({ minWidth: 32, maxWidth: 64, headDim: 16, minDepth: 2, maxDepth: 2 });
  assert.equal(runLengths(space), [
    [32, 2, 3],
    [48, 2, 2],
    [64, 2, 1],
  ]);
  const single = vitSpace({ minWidth: 64, maxWidth: 64, headDim: 16, minDepth: 2, maxDepth: 2 });
  assert.equal(runLengths(single), [[64, 2, 1]]);
});

test("networks are found by name, by the official spelling and by well-known names", () => {
  assert.is(vit.parse("640x17"), vit.parse("640_17"));
  assert.equal(vit.parse(" Base "), { name: "768x12", width: 768, depth: 12, draws: 5 });
  assert.is(vit.parse("large"), vit.full);
  assert.is(swin.parse("tiny").name, "96x6");
  assert.is(swin.parse("base"), swin.full);
  assert.equal(resnet.parse("r101").depth, [3, 4, 23, 3]);
  assert.is(resnet.parse("64x8x36"), resnet.parse("R152"));
  assert.is(resnet.parse("full").name, "128x8x36");
  for (const network of resnet.distinct()) assert.is(resnet.parse(network.name), network);
});

test("well-known names stand only for the sizes they are known for", () => {
  const small = vitSpace({ minWidth: 192, maxWidth: 384, headDim: 64, minDepth: 6, maxDepth: 12 });
  assert.equal([...small.named().keys()], ["small", "full"]);
  const otherHeads = vitSpace({ minWidth: 192, maxWidth: 384, headDim: 32, minDepth: 6, maxDepth: 12 });
  assert.equal([...otherHeads.named().keys()], ["full"]);
  const otherStages = swinSpace({ minWidth: 96, maxWidth: 128, headDim: 16, minDepth: 6, maxDepths: [2, 2, 18, 3] });
  assert.equal([...otherStages.named().keys()], ["full"]);
  assert.equal([...resnet.named().keys()], ["R50", "R101", "R152", "full"]);
});

test("a network outside the space is refused with the nearest ones and the reason", () => {
  const space = vitSpace({ minWidth: 48, maxWidth: 96, headDim: 16, minDepth: 2, maxDepth: 4 });
  assert.is(
    message(() => space.parse("100x5")),
    "network 100x5: width 100 is not in the search space, depth 5 is not in the search space. " +
      "Nearest: 96x4, 80x4, 96x3. This space holds width 48, 64, 80, 96; depth 2, 3, 4.",
  );
  assert.match(
    message(() => vit.parse("390x12")),
    /width 390 is not.*Nearest: 384x12, 448x12, 384x13/,
  );
  assert.match(
    message(() => resnet.parse("64x4x40")),
    /stage-3 blocks 40.*Nearest: 64x4x36.*stage-3 blocks 6 to 36/,
  );
});

test("a name that is no network is refused with the names there are", () => {
  assert.match(
    message(() => swin.parse("tniy")),
    /expected width x stage-3 depth, as in 128x18.*Did you mean tiny\?/,
  );
  assert.match(
    message(() => vit.parse("384")),
    /or one of small, base, large, full/,
  );
  for (const name of ["", "384x12x3", "x", "384x", "-384x12", "__proto__", "constructor", "1e9x2"]) {
    assert.ok(message(() => vit.parse(name)).startsWith("network "), name);
  }
});

test("ranges that no network can fill are refused", () => {
  assert.throws(
    () => vitSpace({ minWidth: 100, maxWidth: 128, headDim: 64, minDepth: 1, maxDepth: 2 }),
    /not a multiple of 64/,
  );
  assert.throws(
    () => swinSpace({ minWidth: 32, maxWidth: 16, headDim: 16, minDepth: 1, maxDepths: [1, 1, 1, 1] }),
    /widths from 32 to 16/,
  );
  assert.throws(
    () => resnetSpace({ baseChannels: 8, groups: 4, minDepths: [1, 1, 1, 1], maxDepths: [2, 2, 2, 1] }),
    /only 2 and 3 vary/,
  );
  assert.throws(
    () => resnetSpace({ baseChannels: 8, groups: 3, minDepths: [1, 1, 1, 1], maxDepths: [1, 2, 2, 1] }),
    /not a multiple of 3/,
  );
});
