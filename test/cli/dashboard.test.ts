import * as assert from "uvu/assert";
import { expectCode, startPoa } from "../support/program.js";
import { writtenRun } from "../support/run-files.js";
import { test } from "../support/test.js";

const run = writtenRun();

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`the dashboard tells its address, answers, and ends with 130 at ${signal}`, async () => {
    const running = startPoa(["dashboard", run, "--port", "0", "--json"]);
    await running.said(/"event":"result"/);
    const stdout: Promise<string> = running.done.then((ran) => ran.stdout);
    running.child.kill(signal);
    const { code, result } = await running.done;
    assert.is(code, 130);
    assert.match(String(result.url), /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.is((await stdout).split("\n").length, 2, "the result is all there is");
  });
}

test("what is wrong has its message and exit code", async () => {
  for (const [code, args, message] of [
    [2, [], /RUN is missing/],
    [3, ["nothing"], /nothing is no run/],
    [2, [run, "--port", "x"], /--port is "x"/],
    [2, [run, "--port", "65536"], /--port is 65536, expected a whole number up to 65535/],
  ] as const) {
    assert.match((await expectCode(code, ["dashboard", ...args])).stderr, message);
  }
});
