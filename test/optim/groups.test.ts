import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { fromOfficial } from "../../src/export/names.js";
import { Classifier } from "../../src/models/classifier.js";
import { trainableCopy } from "../../src/models/encoder.js";
import { Module } from "../../src/nn/module.js";
import { fineTuneGroups, parameterGroups, parameterMultipliers } from "../../src/optim/groups.js";
import { init } from "../../src/runtime/context.js";
import { parameter } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

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

/** Multipliers of a classifier's parameters by name, with layer decay ½. */
async function tuned(encoder: () => ReturnType<typeof tinySwin>): Promise<Map<string, [lr: number, wd: number]>> {
  await init();
  const model = new Classifier(trainableCopy(encoder()), { classes: 3, rng: new Rng(1) });
  const groups = fineTuneGroups(model, 0.5);
  return new Map(
    groups.flatMap(({ parameters, lrMultiplier, wdMultiplier }) =>
      parameters.map(({ name }): [string, [number, number]] => [name, [lrMultiplier, wdMultiplier]]),
    ),
  );
}

test("fine-tuning a ViT of two blocks: decay^(3 − layer), nothing for what has one axis, positions and class token", async () => {
  const of = await tuned(() => tinyEncoder());
  assert.equal(of.get("backbone.cls_token"), [1 / 8, 0]);
  assert.equal(of.get("backbone.pos_embed"), [1 / 8, 0]);
  assert.equal(of.get("backbone.patch_embed.proj.weight"), [1 / 8, 1]);
  assert.equal(of.get("backbone.patch_embed.proj.bias"), [1 / 8, 0]);
  assert.equal(of.get("backbone.blocks.0.attn.qkv.weight"), [1 / 4, 1]);
  assert.equal(of.get("backbone.blocks.0.ls1.gamma"), [1 / 4, 0]);
  assert.equal(of.get("backbone.blocks.1.norm1.weight"), [1 / 2, 0]);
  assert.equal(of.get("backbone.blocks.1.mlp.fc2.weight"), [1 / 2, 1]);
  assert.equal(of.get("backbone.norm.weight"), [1, 0]);
  assert.equal(of.get("head.weight"), [1, 1]);
  assert.equal(of.get("head.bias"), [1, 0]);
});

test("fine-tuning a Swin counts blocks over all stages", async () => {
  const of = await tuned(() => tinySwin()); // 2, 2, 4, 2 blocks
  assert.equal(of.get("backbone.patch_embed.proj.weight"), [0.5 ** 11, 1]);
  assert.equal(of.get("backbone.stages.0.blocks.0.ffn.fc1.weight"), [0.5 ** 10, 1]);
  assert.equal(of.get("backbone.stages.1.blocks.0.ffn.fc1.weight"), [0.5 ** 8, 1]);
  assert.equal(of.get("backbone.stages.0.downsample.reduction.weight"), [0.5 ** 8, 1]);
  assert.equal(of.get("backbone.stages.2.blocks.3.attn.w_msa.relative_position_bias_table"), [0.5 ** 3, 1]);
  assert.equal(of.get("backbone.stages.3.blocks.1.ffn.fc1.bias"), [0.5, 0]);
  assert.equal(
    [of.get("backbone.norm3.weight"), of.get("head.weight")],
    [
      [1, 0],
      [1, 1],
    ],
  );
});

test("fine-tuning a ResNet puts the classifier one layer above the last block", async () => {
  const of = await tuned(() => tinyResnet()); // 1, 2, 3, 1 blocks
  assert.equal(of.get("backbone.conv1.weight"), [0.5 ** 8, 1]);
  assert.equal(of.get("backbone.norm1.weight"), [0.5 ** 8, 0]);
  assert.equal(of.get("backbone.layer1.layers.0.conv1.weight"), [0.5 ** 7, 1]);
  assert.equal(of.get("backbone.layer3.layers.2.conv2.weight"), [0.5 ** 2, 1]);
  assert.equal(of.get("backbone.layer4.layers.0.downsample.1.weight"), [0.5, 0]);
  assert.equal(of.get("head.weight"), [1, 1]);
});
