import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { poaStep } from "../../src/poa/step.js";
import { init } from "../../src/runtime/context.js";
import { checkedModulePath } from "../support/checked-module.js";
import { test } from "../support/test.js";
import { tinyBatch, tinySettings, tinyState } from "../support/tiny-run.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const runner = fileURLToPath(new URL("../support/run.js", import.meta.url));

for (const file of readdirSync(here).filter((name) => name.endsWith(".test.js"))) {
  test(
    `${file} passes on kernels that assert their contracts`,
    () => {
      const env = { ...process.env, POA_TEST_WASM: checkedModulePath };
      let output: string;
      try {
        output = execFileSync(process.execPath, [runner, join(here, file)], { env, encoding: "utf8" });
      } catch (error) {
        throw new Error((error as { stdout: string }).stdout);
      }
      assert.match(output, /^[1-9]\d* passed, 0 failed$/m);
    },
    { timeoutMs: 300_000 },
  );
}

/** Every number of student and teacher after one training step of a tiny ViT. */
function trained(): [string, number[]][] {
  const state = tinyState();
  poaStep(state, [() => tinyBatch()], tinySettings(state));
  return [state.student, state.teacher].flatMap((branch) =>
    branch.namedParameters().map(([name, x]): [string, number[]] => [name, Array.from(x.toArray())]),
  );
}

test("a training step keeps every contract and gives the numbers of the release build", async () => {
  await init();
  const release = trained();
  await init({ wasm: readFileSync(checkedModulePath) });
  assert.equal(trained(), release);
});
