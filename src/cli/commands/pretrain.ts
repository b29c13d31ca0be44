import { openSource } from "../../data/source-spec.js";
import { readWeights, weightsFile } from "../../export/initial-weights.js";
import { configYaml } from "../../poa/config-yaml.js";
import type { Collective } from "../../runtime/collective.js";
import { init } from "../../runtime/context.js";
import { agreed } from "../../train/agreement.js";
import { expectRoom } from "../../train/checkpoint-space.js";
import { diskCacheIn } from "../../train/disk-cache.js";
import { RunFolder } from "../../train/run-folder.js";
import { Trainer } from "../../train/trainer.js";
import type { Call, Command } from "../command.js";
import { recipeOption, recipeSeedOption, trainingOptions } from "../common-options.js";
import { loadConfig } from "../config-file.js";
import { imageNotes } from "../image-notes.js";
import type { Output } from "../output.js";
import { acrossRanks, followTraining, rankOptions, rankThreads, termsOfRun } from "../ranks.js";
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
    ...rankOptions,
    "dry-run": { about: "print what the run would need, and stop; --data may be left out" },
  },
  examples: [
    "poa pretrain --config demo --data mnist --out runs/digits",
    "poa pretrain --config vit-tiny --data photos/ --out runs/photos optim.epochs=20",
    "poa pretrain --config vit_ee1200 --dry-run",
    "mpirun -np 4 poa pretrain --config vit-tiny --data photos/ --out runs/photos",
  ],
  run: (call, output) => acrossRanks(call, output, (ranks) => pretrainOn(ranks, call, output)),
};

async function pretrainOn(ranks: Collective, call: Call, output: Output): Promise<number> {
  if (call.flag("dry-run")) return dryRun(ranks, call, output);
  const { config, source, evaluate } = await agreed(
    ranks,
    () => prepared(ranks, call, output),
    (made) => termsOfRun(call, made.config, made.source),
  );
  await init({ threads: rankThreads(call, ranks), simd: call.simd });
  const out = call.required("out");
  const trainer = new Trainer(config, source, {
    strict: call.flag("strict"),
    workers: call.integer("workers"),
    ranks,
    onWarning: (message) => output.warn(message),
    diskCache: diskCacheIn(config.train.cache_dir ?? RunFolder.cachePathOf(out)),
  });
  if (ranks.rank > 0) {
    trainer.shareState();
    return followTraining(trainer, output);
  }
  const given = call.text("init");
  const initial = given === undefined ? null : weightsFile(given);
  if (initial !== null) trainer.loadWeights(readWeights(initial));
  expectRoom(out, trainer);
  // Only now, so that a mistake in any option leaves neither an empty folder behind nor an old run deleted.
  const folder = RunFolder.create(out, { overwrite: call.flag("overwrite") });
  try {
    folder.describe(
      configYaml(portableConfig(config)),
      runInfo(trainer, source, {
        data: call.required("data"),
        init: initial,
        deterministic: call.flag("deterministic"),
      }),
    );
    trainer.shareState();
    return await runTraining(trainer, folder, output, { profile: call.flag("profile"), evaluate });
  } finally {
    folder.unlock();
  }
}

/** What a rank needs to begin; only rank 0 has the folder of the run and evaluates. */
async function prepared({ rank }: Collective, call: Call, output: Output) {
  const { config, notes } = await loadConfig(call.required("config"), [...call.overrides, ...seedOverride(call)]);
  for (const note of notes) output.note(note);
  const source = await openSource(call.required("data"), { split: "train", onNote: imageNotes(output) });
  if (rank > 0) return { config, source, evaluate: undefined };
  RunFolder.expectFree(call.required("out"), { overwrite: call.flag("overwrite") });
  return { config, source, evaluate: await trainingEvaluation(config, output) };
}

async function dryRun(ranks: Collective, call: Call, output: Output): Promise<number> {
  if (ranks.rank > 0) return 0;
  const { config, notes } = await loadConfig(call.required("config"), [...call.overrides, ...seedOverride(call)]);
  for (const note of notes) output.note(note);
  const data = call.text("data");
  const images = data === undefined ? null : await openSource(data, { split: "train" });
  await init({ threads: rankThreads(call, ranks), simd: call.simd });
  const { fields, text } = await reportEstimate(config, images, {
    workers: call.integer("workers"),
    processes: ranks.size,
  });
  output.result(fields, text);
  return 0;
}
