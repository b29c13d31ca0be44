import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { test } from "../support/test.js";
import { expectedHashes } from "./expected.js";
import { fiftySteps, hashOf, smallRun } from "./fifty-steps.js";

test(
  "fifty steps of a ViT give the committed bits of every weight",
  async () => {
    await init({ threads: 1 });
    const trainer = smallRun("vit-tiny");
    await fiftySteps(trainer);
    const message = "the numbers of training have changed; if that is meant, run npm run hosts -- --update";
    assert.is(await hashOf(trainer), expectedHashes()["vit-tiny"], message);
  },
  { timeoutMs: 120_000 },
);

test("one bit of one weight gives another hash", async () => {
  await init({ threads: 1 });
  const trainer = smallRun("vit-tiny");
  const start = await hashOf(trainer);
  const [weight] = trainer.model.student.parameters();
  const values = Float32Array.from(weight.toArray());
  new Int32Array(values.buffer)[0] ^= 1;
  weight.write(values);
  assert.is.not(await hashOf(trainer), start);
});
