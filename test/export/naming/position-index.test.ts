import * as assert from "uvu/assert";
import { positionIndex } from "../../../src/export/naming/position-index.js";
import { torchvisionState } from "../../support/stock-names.js";
import { test } from "../../support/test.js";

test("the position index is torchvision's", () => {
  const buffers = [...torchvisionState("swin")].filter(([name]) => name.endsWith("relative_position_index"));
  assert.is(buffers.length, 8);
  for (const [, { data }] of buffers) assert.equal([...data], [...positionIndex(4)]);
});

test("a token sees itself in the middle of the table", () => {
  const index = positionIndex(7);
  assert.is(index.length, 49 * 49);
  for (let i = 0; i < 49; i++) assert.is(index[i * 49 + i], 84n);
  assert.equal([index[48], index[48 * 49]], [0n, 168n]);
});
