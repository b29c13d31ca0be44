import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { importState } from "../../src/export/import-state.js";
import { fromOfficial } from "../../src/export/names.js";
import { toPublished, toTimm, toTorchvision } from "../../src/export/stock.js";
import { type StoredTensor, toFloat32 } from "../../src/formats/safetensors.js";
import { buildEncoder, type Encoder, sliceEncoder } from "../../src/models/encoder.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { torchvisionState } from "../support/stock-names.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const images = fromArray(numbers([3, 3, 16, 16], 4), [3, 3, 16, 16]);
const features = ({ backbone }: Encoder) => step(() => backbone.forward(images).classToken.toArray()) as Float32Array;

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${value} and ${expected[i]}`);
}

/** The encoder that another library's tensors make, read back. */
function reread(tensors: ReadonlyMap<string, StoredTensor>, names: "official" | "timm" | "torchvision"): Encoder {
  const { spec, state } = importState(tensors, "x", { family: "vit", names, headDim: 8 });
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
