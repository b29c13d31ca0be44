import { cpSync, existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { configYaml } from "../../src/poa/config-yaml.js";
import { init } from "../../src/runtime/context.js";
import { trainLoop } from "../../src/train/loop.js";
import { RunFolder } from "../../src/train/run-folder.js";
import { Trainer } from "../../src/train/trainer.js";
import { whileCallFails } from "../support/failing-files.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const STEPS = 2;
const config = runConfig(
  ...["optim.epochs=0.5", "optim.warmup_epochs=0", "optim.freeze_last_layer_epochs=0", "optim.ibot_activate_epochs=0"],
  ...["teacher.warmup_teacher_temp_epochs=0", "train.checkpoint_every_steps=1", "crops.local_crops_number=0"],
  ...["student.max_embed_dim=8", "student.max_depth=1", "train.batch_size_per_gpu=2"],
);
const source = squareSource(10);
const info = { version: "0", data: "memory", init: null, dataFingerprint: "0", images: 10, seed: 0, host: {} };

/** What `poa pretrain` and `poa resume` do with files: begins a run, or goes on with the one that is there. */
async function runIn(path: string, { steps = STEPS } = {}): Promise<void> {
  const begun = existsSync(join(path, "config.yaml"));
  const folder = begun ? RunFolder.open(path) : RunFolder.create(path, { overwrite: true });
  const trainer = new Trainer(config, source);
  const stop = new AbortController();
  try {
    if (begun) {
      folder.readInfo();
      const saved = folder.checkpoints.loadNewest(() => {});
      if (saved) trainer.restore(saved);
      folder.truncateMetrics(trainer.iteration);
    } else folder.describe(configYaml(config), info);
    const onStep = () => void (trainer.iteration === steps && stop.abort());
    if (steps === 0) stop.abort();
    await trainLoop(trainer, folder, { model: "{}", signal: stop.signal, onStep });
  } finally {
    trainer.dispose();
    folder.unlock();
  }
}

/** Metrics and the last checkpoint as text; checkpoints in between depend on where a run was interrupted. */
function endOf(path: string): string[] {
  const last = join(path, "checkpoints", String(STEPS).padStart(9, "0"));
  const files = [...readdirSync(last).map((name) => join(last, name)), join(path, "metrics.jsonl")];
  return files.map((file) => readFileSync(file, "hex"));
}

const whole = join(tempFolder(), "run");
await runIn(whole);
const half = join(tempFolder(), "run");
await runIn(half, { steps: 1 });

for (const [what, base, options] of [
  ["a run from its beginning to its first checkpoint", null, { steps: 0, every: 1, code: "EIO" }],
  ["a run that is resumed, to its end,", half, { steps: STEPS, every: 1, code: "EIO" }],
  ["a run that is resumed on a disk that takes nothing more then", half, { steps: STEPS, every: 5, code: "ENOSPC" }],
] as const) {
  test(
    `whichever file-system call of ${what} fails, it can be resumed and ends with the same bytes`,
    async () => {
      const { steps, every, code } = options;
      let [tried, failures] = [0, 0];
      for (let n = 1; ; n += every) {
        const path = join(tempFolder(), "run");
        if (base) cpSync(base, path, { recursive: true });
        const { thrown, reached } = await whileCallFails(n, () => runIn(path, { steps }), { code, from: every > 1 });
        if (!reached) break;
        tried++;
        if (thrown) failures++;
        const lock = join(path, "lock");
        if (existsSync(lock)) utimesSync(lock, 1e9, 1e9); // a lock that could not be written counts for some seconds
        await runIn(path);
        assert.equal(endOf(path), endOf(whole), `call ${n}: ${thrown}`);
      }
      assert.ok(tried > 30 && failures > 0.4 * tried, `${failures} of ${tried} calls end the run`);
    },
    { timeoutMs: 600_000 },
  );
}
