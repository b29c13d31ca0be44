import * as assert from "uvu/assert";
import { sliceEncoder } from "../../../src/models/encoder.js";
import { init } from "../../../src/runtime/context.js";
import { expectAgreement } from "../../support/onnx-agreement.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";

await init();

test("a ViT gives the same features in onnxruntime, with and without its optional parts, in both operator sets", async () => {
  await expectAgreement(tinyEncoder());
  await expectAgreement(tinyEncoder({ layerScale: null, qkvBias: false, projBias: false, ffnBias: false }), {
    opset: 20,
  });
  await expectAgreement(tinyEncoder({ width: 64, headDim: 32, depth: 3, imageSize: 32, mlpRatio: 3 }));
});

test("a sub-network in place gives the same features in onnxruntime", async () => {
  const full = tinyEncoder({ width: 32, depth: 3 });
  await expectAgreement(sliceEncoder(full, { width: 16, depth: 2 }));
  await expectAgreement(sliceEncoder(full, { width: 8, depth: 1 }));
});

test("positions are those of the grid that the images have", async () => {
  for (const imageSize of [24, 12]) await expectAgreement(tinyEncoder(), { imageSize });
});

test("where no patch features are wanted the last block computes the class token alone, to the same numbers", async () => {
  const encoder = tinyEncoder();
  const all = await expectAgreement(encoder, { batch: 2 });
  const alone = await expectAgreement(encoder, { batch: 2, patchTokens: false });
  assert.equal(
    [...all.outputs],
    [
      ["embedding", [2, 16]],
      ["patch_tokens", [2, 16, 16]],
    ],
  );
  assert.equal([...alone.outputs], [["embedding", [2, 16]]]);
});

test("weights have the names of the network", async () => {
  const { initializers } = await expectAgreement(tinyEncoder());
  assert.equal(initializers.get("blocks.1.attn.qkv.weight")!.dims, [16, 48]);
  assert.equal(initializers.get("positions")!.dims, [1, 17, 16]);
  for (const name of ["patch_embed.proj.bias", "blocks.0.ls2.gamma", "blocks.0.mlp.fc1.bias", "norm.weight"])
    assert.ok(initializers.has(name), name);
});
