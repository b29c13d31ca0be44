import * as assert from "uvu/assert";
import { sizeOfNetwork } from "../../src/models/size.js";
import { VisionTransformer } from "../../src/models/vit.js";
import { dispose } from "../../src/runtime/context.js";
import { shapesOnly } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { test } from "../support/test.js";

const published = () =>
  shapesOnly(
    () =>
      new VisionTransformer({
        imageSize: 224,
        patchSize: 16,
        width: 1024,
        depth: 24,
        headDim: 64,
        layerScale: 1e-5,
        rng: new Rng(0),
      }),
  );

test("the published ViT and its parts have the published numbers of parameters, counted without memory", () => {
  dispose();
  const model = published();
  for (const [width, depth, millions] of [
    [384, 12, 21.7],
    [768, 12, 85.8],
    [1024, 24, 303.4],
  ]) {
    const { params } = sizeOfNetwork(model.slice({ width, depth }), 224);
    assert.ok(Math.abs(params / 1e6 - millions) < 0.05, `${width}x${depth}: ${params}`);
  }
});

test("the mask token is not counted, multiply-adds are those of the given image", () => {
  dispose();
  const model = published();
  const { params, macs } = sizeOfNetwork(model, 224);
  assert.is(model.parameterCount - params, 1024);
  assert.is(macs, model.multiplyAdds(224));
  assert.ok(sizeOfNetwork(model, 96).macs < macs / 4);
});
