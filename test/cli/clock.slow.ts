import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { preloaded } from "../support/preloaded.js";
import { expectCode, expectExit, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
const settings = ["optim.epochs=30", "train.checkpoint_every_steps=40", "train.checkpoint_every_minutes=400"];
const runIn = (out: string) => [...tinyPretrain.slice(0, -1), out, ...settings, "--threads", "2"];
const bytesOf = (run: string) => {
  const folder = join(cwd, run, "checkpoints", "000000120");
  return readdirSync(folder).map((part) => readFileSync(join(folder, part), "hex"));
};

await expectCode(0, runIn("whole"), { cwd });

for (const [what, sleeps] of [
  ["is set forward and back by years", "Infinity"],
  ["stands still for a night in the middle of it", "1500"],
] as const) {
  test(
    `a run whose clock ${what} ends with the same bytes, aborts nothing and tells no negative time`,
    async () => {
      const out = `clock-${sleeps}`;
      const env = preloaded("jumping-clock", { POA_TEST_SLEEPS_AFTER_MS: sleeps });
      const { stderr } = await expectExit(0, runIn(out), { cwd, env });
      assert.equal(bytesOf(out), bytesOf("whole"));
      const etas = [...stderr.matchAll(/eta (\S+)/g)].map(([, eta]) => eta);
      assert.ok(etas.length >= 2 && etas.every((eta) => /^(\d+:)?\d+:\d\d$/.test(eta)), etas.join(" "));
      assert.not.match(stderr, /-\d+(\.\d+)? images|data wait -|NaN|Infinity/);
      const timing = readFileSync(join(cwd, out, "timing.jsonl"), "utf8")
        .trimEnd()
        .split("\n");
      for (const line of timing)
        for (const value of Object.values(JSON.parse(line))) assert.ok((value as number) >= 0, line);
    },
    { timeoutMs: 120_000 },
  );
}
