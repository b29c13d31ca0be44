import * as assert from "uvu/assert";
import { interruptible } from "../../src/cli/interrupt.js";
import { Output } from "../../src/cli/output.js";
import { test } from "../support/test.js";

const output = new Output({ json: false, quiet: true });

test("a signal aborts, once for a press that comes twice, and afterwards nothing listens any more", async () => {
  const before = process.listenerCount("SIGINT");
  let ended = 0;
  const aborted = await interruptible(
    output,
    () => ended++,
    async (signal) => {
      assert.is(process.listenerCount("SIGINT"), before + 1);
      process.emit("SIGINT");
      process.emit("SIGINT");
      return signal.aborted;
    },
  );
  assert.equal([aborted, ended], [true, 0]);
  assert.is(process.listenerCount("SIGINT"), before);
});

test("what fails is told, and nothing listens any more", async () => {
  const before = process.listenerCount("SIGTERM");
  const failed = interruptible(
    output,
    () => {},
    () => Promise.reject(new Error("told")),
  );
  await failed.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, "told"),
  );
  assert.is(process.listenerCount("SIGTERM"), before);
});
