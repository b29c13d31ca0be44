import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { startPoa, tinyPretrain, workshop } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
const lockModule = new URL("../../src/train/folder-lock.js", import.meta.url).href;
/** Of a process that has ended. */
const leftLock = JSON.stringify({ pid: spawnSync(process.execPath, ["--version"]).pid, host: hostname() });

test(
  "of trainers that are started on one folder at the same time one works, and the others end with 2 and name it",
  async () => {
    const settings = ["optim.epochs=10000", "train.checkpoint_every_steps=100000"];
    const long = [...tinyPretrain.slice(0, -1), "long", ...settings, "--json"];
    const first = startPoa(long, { cwd });
    await first.said(/"iteration":0,/);
    first.child.kill("SIGKILL");
    await first.done;
    assert.ok(existsSync(join(cwd, "long", "lock")), "a lock is left behind");
    const running = Array.from({ length: 3 }, () => startPoa(["resume", "long", "--json"], { cwd }));
    const ended: number[] = [];
    const refused = await new Promise<number>((resolve) => {
      running.forEach(({ done }, i) => void done.then(() => ended.push(i) === 2 && resolve(ended.length)));
    });
    assert.is(refused, 2);
    const winner = running.find((_, i) => !ended.includes(i))!;
    for (const i of ended) {
      const { code, stderr, events } = await running[i].done;
      assert.is(code, 2, stderr);
      assert.match(stderr, new RegExp(`^error: long is in use by process ${winner.child.pid} on`, "m"));
      assert.not.ok(events.some(({ event }) => event === "step"));
    }
    await winner.said(/"event":"step"/);
    assert.is(JSON.parse(readFileSync(join(cwd, "long", "lock"), "utf8")).pid, winner.child.pid);
    winner.child.kill("SIGTERM");
    assert.is((await winner.done).code, 130);
    assert.not.ok(existsSync(join(cwd, "long", "lock")));
  },
  { timeoutMs: 120_000 },
);

/** Takes the lock of a folder once the clock says so; tells whether it has it, and holds it for a while. */
function taker(folder: string, at: number): Promise<string> {
  const program = `import { FolderLock } from ${JSON.stringify(lockModule)};
    while (Date.now() < ${at});
    try { new FolderLock(${JSON.stringify(folder)}).take(); console.log("has it"); } catch (error) { console.log(error.name); }
    setTimeout(() => {}, 1500);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
  return new Promise((resolve) => child.on("close", () => resolve(text.trim())));
}

test(
  "of processes that find a lock left behind at the same moment, one takes it",
  async () => {
    for (let round = 0; round < 3; round++) {
      const folder = tempFolder();
      writeFileSync(join(folder, "lock"), leftLock);
      const at = Date.now() + 3000;
      const told = await Promise.all(Array.from({ length: 5 }, () => taker(folder, at)));
      assert.equal(told.sort(), [...new Array(4).fill("ConfigError"), "has it"]);
    }
  },
  { timeoutMs: 120_000 },
);
