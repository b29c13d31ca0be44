import * as assert from "uvu/assert";
import { VIRIDIS } from "../../../src/report/pictures/color-map.js";
import { test } from "../../support/test.js";

test("viridis reaches from its violet to its yellow and never gets darker", () => {
  assert.is(VIRIDIS.length, 256 * 3);
  assert.equal([...VIRIDIS.subarray(0, 3)], [68, 1, 84]);
  assert.equal([...VIRIDIS.subarray(255 * 3)], [253, 231, 37]);
  const luma = Array.from({ length: 256 }, (_, i) => {
    const [r, g, b] = VIRIDIS.subarray(3 * i, 3 * i + 3);
    return 0.299 * r + 0.587 * g + 0.114 * b;
  });
  for (let i = 1; i < 256; i++) assert.ok(luma[i] > luma[i - 1] - 1, `${i}`);
});
