import * as assert from "uvu/assert";
import { positiveNumber, wholeNumbers } from "../../src/cli/numbers.js";
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
