import * as assert from "uvu/assert";
import { cifarFile } from "../support/cifar-files.js";
import { expectExit } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = tempFolder({ "data_batch_1.bin": cifarFile(Array.from({ length: 128 }, (_, i) => [i % 10])) });

/** One recipe per backbone, as it is or saving memory. */
const recipes: Record<string, string[]> = {
  "vit-tiny": [],
  "swin-tiny": [],
  "resnet-tiny": [],
  "cifar-tiny": [],
  "vit-small": ["train.batch_size_per_gpu=4", "train.recompute=true", "optim.moments=host"],
};

/** After so many the engine's heap has reached its size; larger steps take seconds, and much of them is linear memory. */
const stepsOf = (preset: string) => (preset.endsWith("-tiny") && preset !== "cifar-tiny" ? 100 : 2);

for (const [preset, overrides] of Object.entries(recipes)) {
  for (const threads of preset === "vit-tiny" ? ["1", "2"] : ["1"]) {
    test(
      `${[preset, ...overrides].join(" ")} on ${threads} threads: a dry run, and the run before it starts, predict the peak memory of the process within 10 %`,
      async () => {
        const steps = [`train.OFFICIAL_EPOCH_LENGTH=${stepsOf(preset)}`, "optim.epochs=1", "optim.warmup_epochs=0"];
        const common = ["pretrain", "--config", preset, "--data", "cifar10:.", "--json", "--threads", threads];
        const settings = [...steps, ...overrides];
        const dry = await expectExit(0, [...common, "--dry-run", ...settings], { cwd });
        const run = await expectExit(0, [...common, "--out", "run", "--overwrite", ...settings], { cwd });
        const used = run.result.peakRssBytes as number;
        for (const [said, estimate] of [
          ["dry run", dry.result],
          ["start", run.events[0]],
        ] as const) {
          const off = (estimate.peakRssBytes as number) / used - 1;
          assert.ok(Math.abs(off) < 0.1, `${said}: ${(100 * off).toFixed(1)} % off ${used >> 20} MiB`);
        }
      },
      { timeoutMs: 600_000 },
    );
  }
}
