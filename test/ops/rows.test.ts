import * as assert from "uvu/assert";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { expectTemperature, filledRows } from "../../src/ops/rows.js";
import { init } from "../../src/runtime/context.js";
import { empty } from "../../src/tensor/create.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("a tensor is seen as rows of its last axis, which must hold a number", async () => {
  await init();
  assert.equal(filledRows("op", empty([2, 3, 4])), { rows: 6, cols: 4, ld: 4 });
  assert.equal(filledRows("op", empty([2, 3, 4]).select(1, 0)), { rows: 2, cols: 4, ld: 12 });
  assert.equal(filledRows("op", empty([0, 4])), { rows: 0, cols: 4, ld: 4 });
  refuses(
    () => filledRows("op", empty([2, 0])),
    ShapeError,
    "op: the rows of [2, 0] are empty, expected at least one column.",
  );
  refuses(() => filledRows("op", empty([])), ShapeError, "op: expected at least one axis, got a scalar.");
});

test("a temperature is a finite number above 0", () => {
  expectTemperature("op", 1e-3);
  for (const temperature of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    refuses(() => expectTemperature("op", temperature), ConfigError, `op: temperature is ${temperature}`);
  }
});
