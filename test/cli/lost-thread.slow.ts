import { existsSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { preloaded } from "../support/preloaded.js";
import { expectCode, startPoa, tinyPretrain, workshop } from "../support/program.js";
import { test } from "../support/test.js";

const cwd = workshop();
/** Large enough for calls to be divided. */
const settings = ["student.max_embed_dim=128", "student.min_embed_dim=128", "crops.global_crops_size=32"];

for (const [what, breaks, code, message] of [
  [
    "ends",
    "process.exit(7);",
    5,
    /^error: \w+: a thread of the runtime is lost \(it ended within a call\)\. .* call init\(\) again/m,
  ],
  [
    "runs out of memory",
    "for (const all = []; ; ) all.push(new Array(1e5).fill(0.5));",
    5,
    /^error: \w+: a thread of the runtime is lost \(/m,
  ],
  ["throws", 'throw new Error("on purpose");', 1, /^error: \w+: a thread stopped at Error: on purpose/m],
] as const) {
  test(
    `a thread that ${what} in the middle of a step ends the run soon, with its reason, and the run can be resumed`,
    async () => {
      const out = breaks.slice(0, 3);
      const first = join(cwd, out, "checkpoints", "000000000");
      const env = preloaded("broken-thread", { POA_TEST_BREAKS: breaks, POA_TEST_BREAKS_AFTER: first });
      const args = [...tinyPretrain.slice(0, -1), out, "--threads", "2", ...settings];
      const running = startPoa(args, { cwd, env });
      const start = performance.now();
      const ran = await running.done;
      assert.is(ran.code, code, ran.stderr);
      assert.match(ran.stderr, message);
      assert.ok(performance.now() - start < 60_000, "no hang");
      assert.ok(existsSync(first));
      assert.not.ok(existsSync(join(cwd, out, "lock")));
      const { result } = await expectCode(0, ["resume", out, "--json"], { cwd });
      assert.is(result.iterations, 8);
    },
    { timeoutMs: 120_000 },
  );
}
