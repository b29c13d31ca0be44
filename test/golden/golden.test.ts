import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { test } from "../support/test.js";
import { runGolden } from "./run.js";

const folder = fileURLToPath(new URL("../../../test/fixtures/golden", import.meta.url));

for (const result of await runGolden(folder)) {
  const { case: name, status, maxError, tolerance, worst } = result;
  if (status === "unsupported") continue;
  test(`${name} equals the official implementation`, () => {
    assert.is(status, "pass", `error ${maxError} of ${tolerance} at ${worst}`);
  });
}

test("every case can be run", async () => {
  const unsupported = (await runGolden(folder)).filter(({ status }) => status === "unsupported");
  assert.equal(unsupported, []);
});
