import * as assert from "uvu/assert";
import { ConfigError, NumericError } from "../../../src/errors.js";
import { featureValues } from "../../../src/export/compare.js";
import { encoderToOnnx } from "../../../src/export/onnx/model.js";
import { runOnnx } from "../../../src/export/onnx/run.js";
import { init, memory } from "../../../src/runtime/context.js";
import { close } from "../../support/close.js";
import { expectAgreement } from "../../support/onnx-agreement.js";
import { readOnnx } from "../../support/onnx-file.js";
import { photos } from "../../support/photos.js";
import { refuses } from "../../support/refuses.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../../support/tiny-families.js";

await init();

test("the file says which network it is, what images must go through and what was chosen", () => {
  const encoder = tinyEncoder();
  const file = readOnnx(encoderToOnnx(encoder, { imageSize: 24, batch: 3, normalize: true, producerVersion: "1.2.3" }));
  assert.equal([file.producer, file.opset, file.irVersion], ["poa", 17, 8]);
  assert.equal([...file.inputs], [["images", [3, 3, 24, 24]]]);
  assert.equal([...file.outputs], [["embedding", [3, 16]]]);
  const { metadata } = file;
  assert.equal(JSON.parse(metadata.get("poa.model")!), { ...encoder.spec, imageSize: 24 });
  const { centerCrop, mean, std } = JSON.parse(metadata.get("poa.preprocessing")!);
  assert.equal({ centerCrop, mean, std }, { centerCrop: 24, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] });
  assert.equal(JSON.parse(metadata.get("poa.onnx")!), {
    ...{ opset: 17, batch: 3, dtype: "f32", normalize: true, includeNormalization: false },
  });
  const newer = readOnnx(encoderToOnnx(encoder, { opset: 20 }));
  assert.equal([newer.opset, newer.irVersion], [20, 9]);
  assert.equal([...newer.inputs], [["images", ["batch", 3, 16, 16]]]);
  assert.ok(newer.nodes.some(({ op }) => op === "Gelu") && !newer.nodes.some(({ op }) => op === "Erf"));
});

test("with the normalisation inside the file takes values from 0 to 1, and its contract says so", async () => {
  for (const encoder of [tinyEncoder(), tinyResnet()]) {
    const { spec } = encoder;
    const bytes = encoderToOnnx(encoder, { includeNormalization: true, normalize: true });
    const { mean, std } = JSON.parse(readOnnx(bytes).metadata.get("poa.preprocessing")!);
    assert.equal(
      [mean, std],
      [
        [0, 0, 0],
        [1, 1, 1],
      ],
    );
    const raw = await photos({ ...spec, mean, std });
    const images = await photos(spec);
    const data = raw.toArray() as Float32Array;
    assert.ok(data.every((value) => value >= 0 && value <= 1));
    const outputs = await runOnnx(bytes, { data, shape: raw.shape });
    const embedding = outputs!.get("embedding")!;
    close(embedding, featureValues(encoder, images, { unitLength: true }), 1e-5);
    assert.ok(Math.abs(Math.hypot(...embedding.subarray(0, embedding.length / 2)) - 1) < 1e-5);
  }
});

test("f16 halves the file and moves features by rounding alone", async () => {
  for (const encoder of [tinyEncoder({ width: 64, headDim: 32 }), tinySwin({ width: 16 }), tinyResnet({ width: 16 })]) {
    const [full, half] = (["f32", "f16"] as const).map((dtype) => encoderToOnnx(encoder, { dtype }).length);
    assert.ok(half < 0.65 * full, `${half} of ${full} bytes`);
    const { initializers } = await expectAgreement(encoder, { dtype: "f16" }, { tolerance: 2e-2 });
    for (const [name, { type, dims }] of initializers)
      assert.is(type === 10, dims.length >= 2 && type !== 7, `${name} of type ${type}`);
  }
});

test("a fixed batch takes more images in several calls", async () => {
  const encoder = tinyEncoder();
  const images = await photos(encoder.spec);
  const data = images.toArray() as Float32Array;
  const three = Float32Array.from([...data, ...data.subarray(0, data.length / 2)]);
  const outputs = await runOnnx(encoderToOnnx(encoder, { batch: 2 }), { data: three, shape: [3, 3, 16, 16], batch: 2 });
  const own = featureValues(encoder, images);
  close(outputs!.get("embedding")!, [...own, ...own.subarray(0, 16)], 1e-4);
});

test("equal networks give equal files, and no memory stays behind", () => {
  const encoder = tinySwin();
  const first = encoderToOnnx(encoder);
  const used = memory().persistentBytes;
  assert.equal(Buffer.from(encoderToOnnx(encoder)).equals(first), true);
  assert.is(memory().persistentBytes, used);
});

test("sizes that the network does not take, and weights beyond f16, are refused", () => {
  refuses(
    () => encoderToOnnx(tinyEncoder(), { imageSize: 18 }),
    ConfigError,
    "image size is 18, expected a positive multiple of 4",
  );
  refuses(() => encoderToOnnx(tinyResnet(), { imageSize: 0 }), ConfigError, "image size is 0");
  refuses(() => encoderToOnnx(tinyResnet(), { batch: 0 }), ConfigError, "batch is 0");
  const large = tinyEncoder();
  large.backbone.blocks[0].mlp.fc1.weight.write(new Float32Array(64 * 16).fill(1e5));
  refuses(() => encoderToOnnx(large, { dtype: "f16" }), NumericError, "blocks.0.mlp.fc1.weight holds 100000");
});
