import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { type ExportedTensor, toTimm, toTorchvision } from "../../src/export/torchvision.js";
import { VisionTransformer, type VitOptions } from "../../src/models/vit.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

/** Names of torchvision's VisionTransformer with two layers, without its classifier. */
const torchvisionNames = [
  "class_token",
  "conv_proj.weight",
  "conv_proj.bias",
  "encoder.pos_embedding",
  ...[0, 1].flatMap((layer) =>
    ["ln_1.", "self_attention.in_proj_", "self_attention.out_proj.", "ln_2.", "mlp.0.", "mlp.3."].flatMap((part) =>
      ["weight", "bias"].map((kind) => `encoder.layers.encoder_layer_${layer}.${part}${kind}`),
    ),
  ),
  "encoder.ln.weight",
  "encoder.ln.bias",
];

/** Back from torchvision's names, written out once more so that a slip in one direction shows. */
function fromTorchvision(tensors: ReadonlyMap<string, ExportedTensor>): Map<string, ExportedTensor> {
  const parts: Record<string, string> = {
    "ln_1.": "norm1.",
    "self_attention.in_proj_": "attn.qkv.",
    "self_attention.out_proj.": "attn.proj.",
    "ln_2.": "norm2.",
    "mlp.0.": "mlp.fc1.",
    "mlp.3.": "mlp.fc2.",
  };
  const whole: Record<string, string> = {
    class_token: "cls_token",
    "conv_proj.weight": "patch_embed.proj.weight",
    "conv_proj.bias": "patch_embed.proj.bias",
    "encoder.pos_embedding": "pos_embed",
    "encoder.ln.weight": "norm.weight",
    "encoder.ln.bias": "norm.bias",
  };
  const ours = (name: string) => {
    const [, layer, part, kind] = /^encoder\.layers\.encoder_layer_(\d+)\.(.*?)(weight|bias)$/.exec(name) ?? [];
    return whole[name] ?? `blocks.${layer}.${parts[part]}${kind}`;
  };
  return new Map([...tensors].map(([name, x]) => [ours(name), x]));
}

const plain: VitOptions = { imageSize: 16, patchSize: 4, width: 16, depth: 2, headDim: 8, rng: new Rng(9) };
const images = fromArray(numbers([3, 3, 16, 16], 4), [3, 3, 16, 16]);

function features(backbone: VisionTransformer): Float32Array {
  return step(() => backbone.forward(images).classToken.toArray()) as Float32Array;
}

function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value - expected[i]) <= tolerance, `${value} and ${expected[i]}`);
}

/** A ViT without layer scale that holds the exported tensors; masks play no part. */
function loaded(tensors: ReadonlyMap<string, ExportedTensor>): VisionTransformer {
  const vit = new VisionTransformer(plain);
  const mask = { shape: vit.mask_token.shape, data: vit.mask_token.toArray() as Float32Array };
  vit.loadStateDict(new Map([...tensors, ["mask_token", mask]]));
  return vit;
}

test("the names are torchvision's, all of them", () => {
  assert.equal([...toTorchvision(tinyEncoder().backbone).keys()].sort(), [...torchvisionNames].sort());
});

test("layer scale is folded in, so that a plain ViT gives the same features", () => {
  const { backbone } = tinyEncoder();
  const before = features(backbone);
  assertClose(features(loaded(fromTorchvision(toTorchvision(backbone)))), before, 1e-5);
  assert.equal([...features(backbone)], [...before], "the encoder itself is not changed");
});

test("a ViT without layer scale is renamed only", () => {
  const { backbone } = tinyEncoder({ layerScale: null });
  assert.equal([...features(loaded(fromTorchvision(toTorchvision(backbone))))], [...features(backbone)]);
});

test("a sub-network leaves with its rescaling in the weights", () => {
  const slice = tinyEncoder({ width: 32 }).backbone.slice({ width: 16, depth: 2 });
  assertClose(features(loaded(fromTorchvision(toTorchvision(slice.materialize())))), features(slice), 1e-5);
});

test("timm's names are ours without the mask token", () => {
  const { backbone } = tinyEncoder();
  const state = backbone.stateDict();
  const exported = toTimm(backbone);
  assert.equal(
    [...exported.keys()],
    [...state.keys()].filter((name) => name !== "mask_token"),
  );
  for (const [name, { shape, data }] of exported) {
    assert.equal(shape, state.get(name)!.shape);
    assert.equal([...data], [...state.get(name)!.toArray()]);
  }
});
