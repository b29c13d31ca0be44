import { spawn } from "node:child_process";
import * as assert from "uvu/assert";
import { test } from "../support/test.js";

const entry = new URL("../../src/index.js", import.meta.url).href;

/** Runs a program that has two threads, with an input that stays open. */
async function exitOf(program: string): Promise<{ code: number | null; output: string }> {
  const text = `import { init, dispose, full } from ${JSON.stringify(entry)};
    const { threads } = await init({ threads: 2 });
    console.log(threads, full([1 << 20], 7).toArray()[12345]);
    ${program}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", text], { stdio: "pipe" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  child.stdin.destroy();
  return { code, output };
}

test("a process ends although nobody has stopped its threads", async () => {
  assert.equal(await exitOf(""), { code: 0, output: "2 7\n" });
});

test("a process that stops them can go on, and ends", async () => {
  const waits = "dispose(); await new Promise((resolve) => setTimeout(resolve, 50)); console.log('after');";
  assert.equal(await exitOf(waits), { code: 0, output: "2 7\nafter\n" });
});

test("a process that exits or throws keeps its code", async () => {
  assert.is((await exitOf("process.exit(3);")).code, 3);
  const { code, output } = await exitOf("throw new Error('on purpose');");
  assert.is(code, 1);
  assert.match(output, /on purpose/);
});

test("a signal reaches a process whose threads are at work", async () => {
  const works = `process.once("SIGINT", () => { console.log("interrupted"); dispose(); process.exit(130); });
    setTimeout(() => process.kill(process.pid, "SIGINT"), 20);
    for (;;) { full([1 << 20], 1).dispose(); await new Promise((resolve) => setImmediate(resolve)); }`;
  assert.equal(await exitOf(works), { code: 130, output: "2 7\ninterrupted\n" });
});
