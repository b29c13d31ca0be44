import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError } from "../../src/errors.js";
import { importState } from "../../src/export/import-state.js";
import { type Family, fromOfficial } from "../../src/export/names.js";
import type { Names } from "../../src/export/namings.js";
import { toPublished, toTimm, toTorchvision } from "../../src/export/stock.js";
import { type StoredTensor, toFloat32 } from "../../src/formats/safetensors.js";
import { buildEncoder, type Encoder, sliceEncoder } from "../../src/models/encoder.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { timmSwinNames, torchvisionState } from "../support/stock-names.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

function features({ backbone, spec }: Encoder): Float32Array {
  const shape = [3, 3, spec.imageSize, spec.imageSize];
  return step(() => backbone.classToken(fromArray(numbers(shape, 4), shape)).toArray()) as Float32Array;
}

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${value} and ${expected[i]}`);
}

/** The encoder that another library's tensors make, read back. */
function reread(tensors: ReadonlyMap<string, StoredTensor>, names: Names, family: Family = "vit"): Encoder {
  const imageSize = family === "vit" ? undefined : 32;
  const { spec, state } = importState(tensors, "x", { family, names, headDim: 8, groups: 2, imageSize });
  return buildEncoder(spec, new Map([...state].map(([name, x]) => [name, { shape: x.shape, data: toFloat32(x) }])));
}

test("torchvision's names are all there, and no other", () => {
  const { tensors, notes } = toTorchvision(tinyEncoder({ depth: 3 }));
  const expected = [...torchvisionState("vit").keys()].filter((name) => !name.startsWith("heads."));
  assert.equal([...tensors.keys()].sort(), expected.sort());
  assert.equal(notes, []);
});

test("a layer scale is folded in for torchvision, so that a plain ViT gives the same features", () => {
  const encoder = tinyEncoder();
  const before = features(encoder);
  const plain = reread(toTorchvision(encoder).tensors, "torchvision");
  assert.is((plain.spec as { layerScale?: boolean }).layerScale, false);
  assertClose(features(plain), before, 1e-5);
  assert.equal([...features(encoder)], [...before], "the encoder itself is not changed");
});

test("biases that torchvision expects are there, zero where there were none", () => {
  const encoder = tinyEncoder({ layerScale: null, qkvBias: false, projBias: false, ffnBias: false });
  const { tensors } = toTorchvision(encoder);
  const bias = tensors.get("encoder.layers.encoder_layer_0.self_attention.in_proj_bias")!;
  assert.equal([bias.shape, [...bias.data]], [[48], new Array(48).fill(0)]);
  assert.equal([...features(reread(tensors, "torchvision"))], [...features(encoder)]);
});

test("a sub-network leaves with its rescaling in the weights", () => {
  const full = tinyEncoder({ width: 32, depth: 3 });
  const slice = sliceEncoder(full, { width: 16, depth: 2 });
  const dense = { ...slice, backbone: slice.backbone.materialize() };
  assertClose(features(reread(toTorchvision(dense).tensors, "torchvision")), features(slice), 1e-5);
  assertClose(features(reread(toTimm(dense).tensors, "timm")), features(slice), 1e-5);
});

test("timm's names of a ViT are ours without the mask token", () => {
  const encoder = tinyEncoder();
  const { tensors } = toTimm(encoder);
  const state = encoder.backbone.stateDict();
  assert.equal(
    [...tensors.keys()],
    [...state.keys()].filter((name) => name !== "mask_token"),
  );
  for (const [name, { shape, data }] of tensors)
    assert.equal([shape, [...data]], [state.get(name)!.shape, [...state.get(name)!.toArray()]]);
});

test("published names can have a prefix and chunks, and come back the same", () => {
  const encoder = tinyEncoder({ depth: 4 });
  const tensors = toPublished(encoder, { prefix: "teacher.backbone.", chunks: 2 });
  for (const name of [
    "blocks.0.1.attn.qkv.linear.weight",
    "blocks.1.2.norm1.norm.bias",
    "norm.norm.weight",
    "mask_token",
  ])
    assert.ok(tensors.has(`teacher.backbone.${name}`), name);
  assert.is(tensors.size, encoder.backbone.stateDict().size);
  assert.equal([...features(reread(tensors, "official"))], [...features(encoder)]);
  const plain = toPublished(encoder);
  assert.equal([...plain.keys()].map(fromOfficial), [...encoder.backbone.stateDict().keys()]);
});

test("a Swin whose patches merge as ours goes out in the order of stock code, and comes back the same", () => {
  const encoder = tinySwin({ shiftSmallMaps: false });
  for (const [names, { tensors, notes }] of [
    ["timm", toTimm(encoder)],
    ["torchvision", toTorchvision(encoder)],
  ] as const) {
    assert.equal(notes, ["The heads have 4 channels: build the network with 2 heads in its first stage."]);
    const back = reread(tensors, names, "swin");
    assert.equal([...features(back)], [...features(encoder)]);
    assert.equal(
      { ...back.spec, ...{ mean: 0, std: 0, patchScale: 0 } },
      { ...encoder.spec, ...{ mean: 0, std: 0, patchScale: 0 } },
    );
  }
  const key = "stages.1.downsample.norm.bias";
  const groups = (x: ArrayLike<number>) => [0, 1, 2, 3].map((g) => Array.from(x).slice(16 * g, 16 * (g + 1)));
  const [a, b, c, d] = groups(encoder.backbone.stateDict().get(key)!.toArray());
  assert.equal(groups(toTimm(encoder).tensors.get("layers.2.downsample.norm.bias")!.data as Float32Array), [
    a,
    c,
    b,
    d,
  ]);
});

test("the names of a stock Swin are all there, and no other", () => {
  const encoder = tinySwin({ shiftSmallMaps: false, depths: [2, 2, 2, 2] });
  assert.equal([...toTimm(encoder).tensors.keys()].sort(), timmSwinNames([2, 2, 2, 2], "before").sort());
  const torchvision = torchvisionState("swin");
  const exported = toTorchvision(encoder).tensors;
  assert.equal([...exported.keys()].sort(), [...torchvision.keys()].filter((name) => !name.startsWith("head.")).sort());
  const index = "features.5.1.attn.relative_position_index";
  assert.equal(exported.get(index), torchvision.get(index));
});

test("a Swin that shifts small maps goes out with a warning, a narrow exact one not at all", () => {
  const full = tinySwin();
  assert.match(toTimm(full).notes.join(), /also shifts windows on maps that one window covers/);
  for (const network of [
    { width: 4, depth: 4 },
    { width: 8, depth: 3 },
  ]) {
    const slice = sliceEncoder(full, network);
    const dense = { ...slice, backbone: slice.backbone.materialize() };
    refuses(() => toTorchvision(dense), ConfigError, "A Swin of torchvision has no place for");
    refuses(() => toTimm(dense), ConfigError, "docs/checkpoints.md");
  }
});

test("a ResNet goes out under bn names, with a note where they hold group norms, and comes back the same", () => {
  for (const options of [{}, { norm: "batch" }, { norm: "batch", block: "basic", outChannels: 4 }] as const) {
    const encoder = tinyResnet(options);
    const { tensors, notes } = toTorchvision(encoder);
    assert.is(notes.length, "norm" in options ? 0 : 1);
    if (notes.length > 0) assert.match(notes[0], /GroupNorm\(2\)/);
    assert.equal(toTimm(encoder).tensors, tensors);
    assert.equal([...features(reread(tensors, "torchvision", "resnet"))], [...features(encoder)]);
    assert.not.ok([...tensors.keys()].some((name) => /mask_token|norm/.test(name)));
  }
  const { tensors } = toTorchvision(tinyResnet({ norm: "batch", depths: [1, 1, 1, 1] }));
  const stock = torchvisionState("resnet");
  assert.equal([...tensors.keys()].sort(), [...stock.keys()].filter((name) => !name.startsWith("fc.")).sort());
  assert.equal(tensors.get("bn1.num_batches_tracked"), { dtype: "I64", shape: [], data: BigInt64Array.of(7n) });
});

test("Swin and ResNet leave under published names and come back the same", () => {
  for (const [family, encoder] of [
    ["swin", tinySwin()],
    ["resnet", tinyResnet()],
  ] as const) {
    const tensors = toPublished(encoder, { prefix: "backbone." });
    const back = reread(tensors, "official", family);
    assert.equal([...features(back)], [...features(encoder)]);
    assert.equal({ ...back.spec, mean: 0, std: 0 }, { ...encoder.spec, mean: 0, std: 0 });
  }
  const { shape } = toPublished(tinySwin()).get("stages.0.blocks.0.attn.w_msa.relative_position_index")!;
  assert.equal(shape, [16, 16]);
});
