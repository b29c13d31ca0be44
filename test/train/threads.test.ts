import * as assert from "uvu/assert";
import { init } from "../../src/runtime/context.js";
import { FORCED_MEMORY, forcedThreads } from "../support/forced-threads.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { fingerprintOf, stateAfter } from "../support/training.js";

const source = squareSource(22);

async function trained(overrides: readonly string[], steps: number): Promise<string> {
  return fingerprintOf(await stateAfter(runConfig(...overrides), source, steps));
}

test("every kernel call of three steps divided among 2, 3 or 7 threads leaves the checkpoint of one, bit for bit", async () => {
  await init({ threads: 1 });
  const alone = await trained([], 3);
  for (const threads of [2, 3, 7]) {
    const { heap, kernels, pool } = await forcedThreads(threads);
    await init({ kernels: { heap, kernels }, memory: FORCED_MEMORY });
    assert.ok((await trained([], 3)) === alone, `${threads} threads`);
    pool.dispose();
  }
});

test("a step that is large enough to be divided where it pays has the bits of one thread", async () => {
  const large = ["student.max_embed_dim=64", "student.min_embed_dim=32", "dino.head_n_prototypes=[512]"];
  await init({ threads: 1 });
  const alone = await trained(large, 2);
  for (const threads of [2, 3]) {
    assert.is((await init({ threads })).threads, threads);
    assert.ok((await trained(large, 2)) === alone, `${threads} threads`);
  }
});
