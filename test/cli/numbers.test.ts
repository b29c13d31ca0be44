import * as assert from "uvu/assert";
import { numberWithin, positiveNumber, wholeNumbers } from "../../src/cli/numbers.js";
import { ConfigError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("a list of whole numbers is read in its order", () => {
  assert.equal(wholeNumbers("eval knn", "k", "20,1,300"), [20, 1, 300]);
});

test("what is no such list is refused with verb, option and text", () => {
  for (const text of ["", "0", "1,", "2.5", "-1", "3,x"]) {
    refuses(
      () => wholeNumbers("eval knn", "k", text),
      ConfigError,
      `eval knn: --k is ${JSON.stringify(text)}, expected`,
    );
  }
});

test("a number above 0 may have decimals and an exponent", () => {
  assert.equal(
    ["0.07", "1e-3", "2"].map((text) => positiveNumber("eval knn", "temperature", text)),
    [0.07, 0.001, 2],
  );
  for (const text of ["", " ", "0", "-1", "x", "Infinity", "1,5"]) {
    refuses(
      () => positiveNumber("eval knn", "temperature", text),
      ConfigError,
      `--temperature is ${JSON.stringify(text)}`,
    );
  }
});

test("a number within a range is told what the range is", () => {
  assert.equal(
    ["0", "0.5", "1"].map((text) => numberWithin("eval detect", "crop", text, { most: 1 })),
    [0, 0.5, 1],
  );
  const shares = { below: 1 } as const;
  assert.is(numberWithin("eval detect", "drop-path", "0", shares), 0);
  for (const [text, range, expected] of [
    ["2", { most: 1 }, "expected a number from 0 on, at most 1"],
    ["1", shares, "expected a number from 0 on, below 1"],
    ["0", { above: 0, most: 1 }, "expected a number above 0, at most 1"],
    ["x", {}, "expected a number from 0 on"],
    ["", {}, "expected a number from 0 on"],
    ["Infinity", {}, "expected a number from 0 on"],
  ] as const)
    refuses(() => numberWithin("eval detect", "crop", text, range), ConfigError, expected);
});
