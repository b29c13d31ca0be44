import * as assert from "uvu/assert";
import { splitLabels, withLabels } from "../../src/data/labelled-image.js";
import { test } from "../support/test.js";

test("labels stand behind the channels of each pixel, and come apart again", () => {
  const image = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const labels = Uint8Array.of(0, 255);
  const joined = withLabels({ image, labels });
  assert.equal(joined, { width: 2, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 255) });
  assert.equal(splitLabels(joined), { image, labels });
  const grey = { width: 1, height: 2, channels: 1, data: Uint8Array.of(7, 8) };
  assert.equal(splitLabels(withLabels({ image: grey, labels })), { image: grey, labels });
});
