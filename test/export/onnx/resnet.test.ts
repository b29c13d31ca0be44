import * as assert from "uvu/assert";
import { sliceEncoder } from "../../../src/models/encoder.js";
import { init } from "../../../src/runtime/context.js";
import { expectAgreement } from "../../support/onnx-agreement.js";
import { test } from "../../support/test.js";
import { tinyResnet } from "../../support/tiny-families.js";

await init();

test("a ResNet of group norms gives the same features in onnxruntime", async () => {
  const { outputs, nodes } = await expectAgreement(tinyResnet());
  assert.equal(outputs.get("patch_tokens"), ["batch", 4, 128]);
  assert.ok(nodes.some(({ op }) => op === "InstanceNormalization"));
  await expectAgreement(tinyResnet({ groups: 4, patchScale: 1 }), { opset: 20 });
});

test("a ResNet of batch norms takes its running statistics, in bottlenecks and basic blocks", async () => {
  const { nodes } = await expectAgreement(tinyResnet({ norm: "batch" }));
  assert.ok(nodes.some(({ op }) => op === "BatchNormalization"));
  await expectAgreement(tinyResnet({ norm: "batch", block: "basic", outChannels: 4 }), { batch: 2 });
});

test("images of other sides go through the same convolutions", async () => {
  for (const imageSize of [45, 64]) await expectAgreement(tinyResnet(), { imageSize });
});

test("a sub-network of narrower middles and fewer blocks gives the same features", async () => {
  const full = tinyResnet();
  await expectAgreement(sliceEncoder(full, { width: 2, depth: [1, 1, 2, 1] }));
  await expectAgreement(sliceEncoder(full, { width: 4, depth: [1, 2, 1, 1] }), { batch: 1 });
});
