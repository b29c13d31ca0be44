import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { fromOfficial } from "../../src/export/names.js";
import { Module } from "../../src/nn/module.js";
import { parameterGroups, parameterMultipliers } from "../../src/optim/groups.js";
import { init } from "../../src/runtime/context.js";
import { parameter } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

/** name, shape, lr multiplier, wd multiplier, last layer */
type Row = [string, number[], number, number, boolean];

interface Table {
  layerwise_decay: number;
  distinct_groups: number;
  params: Row[];
}

function table(family: string): Table {
  const path = new URL(`../../../test/fixtures/golden/param_groups_${family}.json`, import.meta.url);
  return JSON.parse(readFileSync(fileURLToPath(path), "utf8"));
}

for (const family of ["vit", "swin", "resnet"]) {
  const { layerwise_decay, distinct_groups, params } = table(family);
  const options = { layerwiseDecay: layerwise_decay, patchEmbedMultiplier: 0.2 };
  const variants: [string, (name: string) => string][] = [
    ["official names", (name) => name],
    ["our names", fromOfficial],
    ["names inside a student", (name) => `student.${name}`],
  ];
  for (const [what, rename] of variants) {
    test(`multipliers of ${family} equal the official table exactly: ${what}`, () => {
      const actual = parameterMultipliers(
        params.map(([name]) => rename(name)),
        options,
      );
      params.forEach(([name, , lrMultiplier, wdMultiplier, isLastLayer], i) => {
        assert.equal(actual[i], { lrMultiplier, wdMultiplier, isLastLayer }, name);
      });
      assert.is(new Set(actual.map((entry) => JSON.stringify(entry))).size, distinct_groups);
    });
  }

  test(`the backbone of ${family} without its prefix has the same multipliers`, () => {
    const rows = params.filter(([name]) => name.startsWith("backbone."));
    const bare = parameterMultipliers(
      rows.map(([name]) => name.slice("backbone.".length)),
      options,
    );
    rows.forEach(([name, , lrMultiplier], i) => {
      assert.is(bare[i].lrMultiplier, lrMultiplier, name);
    });
  });
}

test("parameters with equal multipliers share a group, in order of appearance", async () => {
  await init();
  class Net extends Module {
    readonly weight = parameter([2], () => 0);
    readonly bias = parameter([2], () => 0);
    readonly last_layer = parameter([2], () => 0);
    readonly scale = parameter([2], () => 0);
  }
  const groups = parameterGroups(new Net());
  assert.equal(
    groups.map(({ parameters, ...rest }) => [parameters.map(({ name }) => name), rest]),
    [
      [["weight", "scale"], { lrMultiplier: 1, wdMultiplier: 1, isLastLayer: false }],
      [["bias"], { lrMultiplier: 1, wdMultiplier: 0, isLastLayer: false }],
      [["last_layer"], { lrMultiplier: 1, wdMultiplier: 1, isLastLayer: true }],
    ],
  );
});

test("named parameters may be given in place of a module", async () => {
  await init();
  const x = parameter([1], () => 0);
  assert.is(parameterGroups([["blocks.0.weight", x]])[0].parameters[0].tensor, x);
});
