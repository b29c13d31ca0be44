import * as assert from "uvu/assert";
import { ConfigError, FormatError } from "../../src/errors.js";
import { inferSpec, type Shapes, type SpecOptions } from "../../src/export/infer-spec.js";
import { toOfficial } from "../../src/export/names.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

function shapes(byName: Readonly<Record<string, readonly number[]>>): Shapes {
  return { label: "x.pth", byName: new Map(Object.entries(byName)), theirs: (name) => `their ${name}` };
}

const vit = (width: number, changes: Readonly<Record<string, readonly number[]>> = {}) =>
  shapes({
    "patch_embed.proj.weight": [width, 3, 16, 16],
    pos_embed: [1, 197, width],
    "blocks.0.mlp.fc1.weight": [4 * width, width],
    "blocks.11.norm1.weight": [width],
    ...Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`blocks.${i}.norm2.weight`, [width]])),
    ...changes,
  });

const swin = (changes: Readonly<Record<string, readonly number[]>> = {}) =>
  shapes({
    "patch_embed.proj.weight": [96, 3, 4, 4],
    "stages.0.blocks.0.norm1.weight": [96],
    "stages.0.blocks.0.ffn.fc1.weight": [384, 96],
    "stages.0.blocks.0.attn.w_msa.relative_position_bias_table": [169, 3],
    "stages.0.blocks.1.norm1.weight": [96],
    "stages.1.blocks.1.norm1.weight": [192],
    "stages.2.blocks.5.norm1.weight": [384],
    "stages.3.blocks.1.norm1.weight": [768],
    ...changes,
  });

const resnet = (changes: Readonly<Record<string, readonly number[]>> = {}) =>
  shapes({
    "conv1.weight": [64, 3, 7, 7],
    "layer1.layers.0.conv1.weight": [64, 64, 1, 1],
    "layer1.layers.0.conv3.weight": [256, 64, 1, 1],
    "layer1.layers.2.conv1.weight": [64, 256, 1, 1],
    "layer2.layers.3.conv1.weight": [128, 512, 1, 1],
    "layer3.layers.5.conv1.weight": [256, 1024, 1, 1],
    "layer4.layers.2.conv1.weight": [512, 2048, 1, 1],
    ...changes,
  });

const ofVit: SpecOptions = { family: "vit", names: "timm" };
const ofSwin: SpecOptions = { family: "swin", names: "timm" };
const ofResnet: SpecOptions = { family: "resnet", names: "torchvision" };

test("a ViT's shapes tell all but the width of its heads, which is the usual one", () => {
  assert.equal(inferSpec(vit(384), ofVit), {
    family: "vit",
    ...{ patchSize: 16, channels: 3, width: 384, depth: 12, headDim: 64, mlpRatio: 4, imageSize: 224 },
    ...{ layerScale: false, qkvBias: false, projBias: false, ffnBias: false },
    ...imagenet,
  });
  const whole = vit(384, {
    "blocks.0.ls1.gamma": [384],
    "blocks.0.attn.qkv.bias": [1152],
    "blocks.0.mlp.fc1.bias": [1536],
  });
  const { layerScale, qkvBias, projBias, ffnBias } = inferSpec(whole, ofVit) as unknown as Record<string, boolean>;
  assert.equal([layerScale, qkvBias, projBias, ffnBias], [true, true, false, true]);
});

test("where the width of heads is not a matter of course, it is asked for", () => {
  for (const [width, names] of [
    [1280, "timm"],
    [1280, "torchvision"],
    [448, "timm"],
    [32, "official"],
  ] as const) {
    refuses(() => inferSpec(vit(width), { ...ofVit, names }), ConfigError, "Give --head-dim N");
    assert.is((inferSpec(vit(width), { ...ofVit, names, headDim: 16 }) as { headDim?: number }).headDim, 16);
  }
  assert.is((inferSpec(vit(448), { ...ofVit, names: "official" }) as { headDim?: number }).headDim, 64);
  refuses(
    () => inferSpec(vit(384), { ...ofVit, headDim: 100 }),
    ConfigError,
    "--head-dim 100 does not divide the width 384",
  );
});

test("a Swin tells everything; its shifts alternate, and stock code does not shift small maps", () => {
  const spec = inferSpec(swin(), ofSwin);
  const alternate = (depth: number) => Array.from({ length: depth }, (_, i) => i % 2 === 1);
  assert.equal(spec, {
    family: "swin",
    ...{ patchSize: 4, channels: 3, width: 96, embedWidth: 96, depths: [2, 2, 6, 2], headDim: 32, windowSize: 7 },
    shifts: [2, 2, 6, 2].map(alternate),
    ...{ mlpRatio: 4, qkvBias: false, shiftSmallMaps: false, patchScale: 1, imageSize: 224 },
    ...imagenet,
  });
  const { shiftSmallMaps, patchScale } = inferSpec(swin(), { ...ofSwin, names: "official" }) as unknown as Record<
    string,
    unknown
  >;
  assert.equal([shiftSmallMaps, patchScale], [true, 2]);
});

test("a ResNet has batch normalisation if it has running statistics, else 32 groups or those given", () => {
  const spec = inferSpec(resnet({ "norm1.running_mean": [64] }), ofResnet);
  assert.equal(spec, {
    family: "resnet",
    ...{ channels: 3, stemChannels: 64, outChannels: 256, width: 64, depths: [3, 4, 6, 3], strides: [1, 2, 2, 2] },
    ...{ norm: "batch", groups: 1, patchScale: 1, imageSize: 224 },
    ...imagenet,
  });
  const grouped = (groups?: number) =>
    inferSpec(resnet(), { ...ofResnet, groups }) as unknown as Record<string, unknown>;
  assert.equal([grouped().norm, grouped().groups, grouped(16).groups], ["group", 32, 16]);
  refuses(() => grouped(48), ConfigError, "Give --groups N");
});

test("size and normalisation of images are what is given", () => {
  const given = { imageSize: 96, mean: [0.5, 0.5, 0.5], std: [1, 1, 1] };
  const { imageSize, mean, std } = inferSpec(swin(), { ...ofSwin, ...given });
  assert.equal({ imageSize, mean, std }, given);
  const grey = swin({ "patch_embed.proj.weight": [96, 1, 4, 4] });
  refuses(() => inferSpec(grey, ofSwin), ConfigError, "have 1 channels, but mean and std have 3 and 3");
  assert.equal(inferSpec(grey, { ...ofSwin, mean: [0.5], std: [0.5] }).mean, [0.5]);
});

test("a file of another family is told by the tensor that it lacks, under the file's name", () => {
  refuses(() => inferSpec(swin(), ofVit), FormatError, "x.pth has no their pos_embed, so it is no vit");
  refuses(() => inferSpec(resnet(), ofSwin), FormatError, "no their patch_embed.proj.weight, so it is no swin");
  refuses(() => inferSpec(shapes({}), ofResnet), FormatError, "it holds no tensor of such a network");
  const official = { ...swin(), theirs: (name: string) => toOfficial(name, "swin") };
  refuses(
    () => inferSpec(official, ofResnet),
    FormatError,
    "it holds patch_embed.proj.weight, stages.0.blocks.0.norm1.norm.weight",
  );
});

test("shapes that no such network has are refused before a network is made of them", () => {
  for (const [given, options, message] of [
    [vit(384, { pos_embed: [1, 196, 384] }), ofVit, "196 entries"],
    [vit(384, { pos_embed: [197, 384] }), ofVit, "expected 3 axes"],
    [vit(384, { "patch_embed.proj.weight": [384, 3, 0, 0] }), ofVit, "that are not empty"],
    [vit(384, { "blocks.999999999.norm1.weight": [384] }), ofVit, "has a block 999999999, but only"],
    [swin({ "stages.0.blocks.0.attn.w_msa.relative_position_bias_table": [170, 3] }), ofSwin, "fits no window"],
    [swin({ "stages.0.blocks.0.attn.w_msa.relative_position_bias_table": [169, 7] }), ofSwin, "fits no window"],
    [swin({ "stages.0.blocks.0.attn.w_msa.relative_position_bias_table": [144, 3] }), ofSwin, "fits no window"],
    [resnet({ "layer1.layers.0.conv3.weight": [256, 64] }), ofResnet, "expected 4 axes"],
  ] as [Shapes, SpecOptions, string][])
    refuses(() => inferSpec(given, options), FormatError, message);
});
