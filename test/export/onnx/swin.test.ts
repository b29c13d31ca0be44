import * as assert from "uvu/assert";
import { sliceEncoder } from "../../../src/models/encoder.js";
import { init } from "../../../src/runtime/context.js";
import { expectAgreement } from "../../support/onnx-agreement.js";
import { test } from "../../support/test.js";
import { tinySwin } from "../../support/tiny-families.js";

await init();

test("a Swin gives the same features in onnxruntime: windows, shifts, masks and merged patches", async () => {
  const { initializers } = await expectAgreement(tinySwin());
  assert.equal(initializers.get("stages.0.blocks.1.mask")!.dims, [16, 1, 16, 16]);
  assert.equal(initializers.get("stages.0.blocks.1.attn.w_msa.relative_position_bias")!.dims, [2, 16, 16]);
  await expectAgreement(tinySwin({ shiftSmallMaps: false, qkvBias: false, patchScale: 1 }), { opset: 20 });
});

test("maps that windows do not fill, and maps of odd sides, are filled up as in the network", async () => {
  await expectAgreement(tinySwin({ windowSize: 5 }));
  for (const imageSize of [36, 22]) await expectAgreement(tinySwin({ windowSize: 3 }), { imageSize });
});

test("a sub-network keeps the norm of its patches over all channels, and its own shifts", async () => {
  const full = tinySwin();
  const { initializers } = await expectAgreement(sliceEncoder(full, { width: 4, depth: 3 }));
  assert.equal(initializers.get("patch_embed.norm.weight")!.dims, [8]);
  await expectAgreement(sliceEncoder(full, { width: 8, depth: 1 }), { batch: 1 });
});
