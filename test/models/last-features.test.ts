import * as assert from "uvu/assert";
import { lastFeatures } from "../../src/models/last-features.js";
import { seeImages } from "../../src/report/pictures/patch-features.js";
import { init } from "../../src/runtime/context.js";
import { squareImage } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

test("features are those of the last block or stage, of the backbone's own forward pass", () => {
  for (const encoder of [tinyEncoder(), tinySwin({ patchScale: 1 }), tinyResnet({ patchScale: 1 })]) {
    const { imageSize } = encoder.spec;
    seeImages(encoder, [squareImage(0, { side: imageSize })], imageSize, (batch) => {
      const { pooled, cells } = lastFeatures(encoder, batch);
      const { classToken, patchTokens } = encoder.backbone.forward(batch);
      assert.equal([pooled.toArray(), cells.toArray()], [classToken.toArray(), patchTokens.toArray()]);
      return [0];
    });
  }
});
