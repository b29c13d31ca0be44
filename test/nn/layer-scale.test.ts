import * as assert from "uvu/assert";
import { LayerScale } from "../../src/nn/layer-scale.js";
import { init } from "../../src/runtime/context.js";
import { test } from "../support/test.js";

test("all channels start alike, a slice is the first of them", async () => {
  await init();
  const scale = new LayerScale(4, 0.25);
  assert.equal([...scale.gamma.toArray()], [0.25, 0.25, 0.25, 0.25]);
  scale.gamma.write([1, 2, 3, 4]);
  const slice = scale.slice(2);
  assert.equal([...slice.gamma.toArray()], [1, 2]);
  assert.is(slice.gamma.storage, scale.gamma.storage);
});
