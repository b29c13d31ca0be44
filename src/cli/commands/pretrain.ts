import { openSource } from "../../data/source-spec.js";
import { readWeights, weightsFile } from "../../export/initial-weights.js";
import { configYaml } from "../../poa/config-yaml.js";
import { init } from "../../runtime/context.js";
import { expectRoom } from "../../train/checkpoint-space.js";
import { diskCacheIn } from "../../train/disk-cache.js";
import { RunFolder } from "../../train/run-folder.js";
import { Trainer } from "../../train/trainer.js";
import type { Command } from "../command.js";
import { recipeOption, recipeSeedOption, trainingOptions } from "../common-options.js";
import { loadConfig } from "../config-file.js";
import { imageNotes } from "../image-notes.js";
import { reportEstimate } from "../run-estimate.js";
import { seedOverride } from "../seed.js";
import { portableConfig, runInfo, runTraining } from "../training.js";
import { trainingEvaluation } from "../training-evaluation.js";

export const pretrain: Command = {
  name: "pretrain",
  summary: "train one run that holds encoders of every size",
  overrides: true,
  options: {
    config: recipeOption,
    data: { value: "SPEC", about: "training images: DIR, cifar10:DIR, mnist, with #split and @a..b" },
    out: { value: "DIR", about: "run folder, new or empty" },
    init: { value: "CHECKPOINT", about: "start from the teacher of a checkpoint or run, heads included" },
    seed: recipeSeedOption,
    overwrite: { about: "replace what an earlier run left in --out" },
    ...trainingOptions,
    "dry-run": { about: "print what the run would need, and stop; --data may be left out" },
  },
  examples: [
    "poa pretrain --config demo --data mnist --out runs/digits",
    "poa pretrain --config vit-tiny --data photos/ --out runs/photos optim.epochs=20",
    "poa pretrain --config vit_ee1200 --dry-run",
  ],
  async run(call, output) {
    const { config, notes } = await loadConfig(call.required("config"), [...call.overrides, ...seedOverride(call)]);
    for (const note of notes) output.note(note);
    if (call.flag("dry-run")) {
      const data = call.text("data");
      const images = data === undefined ? null : await openSource(data, { split: "train" });
      await init({ threads: call.threads, simd: call.simd });
      const { fields, text } = await reportEstimate(config, images, { workers: call.integer("workers") });
      output.result(fields, text);
      return 0;
    }
    const source = await openSource(call.required("data"), { split: "train", onNote: imageNotes(output) });
    const [out, overwrite] = [call.required("out"), call.flag("overwrite")];
    RunFolder.expectFree(out, { overwrite });
    const evaluate = await trainingEvaluation(config, output);
    await init({ threads: call.threads, simd: call.simd });
    const trainer = new Trainer(config, source, {
      strict: call.flag("strict"),
      workers: call.integer("workers"),
      onWarning: (message) => output.warn(message),
      diskCache: diskCacheIn(config.train.cache_dir ?? RunFolder.cachePathOf(out)),
    });
    const given = call.text("init");
    const initial = given === undefined ? null : weightsFile(given);
    if (initial !== null) trainer.loadWeights(readWeights(initial));
    expectRoom(out, trainer);
    // Only now, so that a mistake in any option leaves neither an empty folder behind nor an old run deleted.
    const folder = RunFolder.create(out, { overwrite });
    try {
      folder.describe(
        configYaml(portableConfig(config)),
        runInfo(config, source, { data: call.required("data"), init: initial }),
      );
      return await runTraining(trainer, folder, output, { profile: call.flag("profile"), evaluate });
    } finally {
      folder.unlock();
    }
  },
};
