import { openSource } from "../../data/source-spec.js";
import { ConfigError, DataError } from "../../errors.js";
import { readWeights } from "../../export/initial-weights.js";
import type { Config } from "../../poa/config-keys.js";
import { init } from "../../runtime/context.js";
import { expectRoom } from "../../train/checkpoint-space.js";
import { diskCacheIn } from "../../train/disk-cache.js";
import type { EvaluateTeacher } from "../../train/evaluation.js";
import { FinetuneFolder } from "../../train/finetune-folder.js";
import { RunFolder } from "../../train/run-folder.js";
import { Trainer } from "../../train/trainer.js";
import type { Command } from "../command.js";
import { trainingOptions } from "../common-options.js";
import { loadConfig } from "../config-file.js";
import { imageNotes } from "../image-notes.js";
import type { Output } from "../output.js";
import { runTraining } from "../training.js";
import { trainingEvaluation } from "../training-evaluation.js";

export const resume: Command = {
  name: "resume",
  summary: "continue a run exactly where its newest checkpoint stands",
  operands: ["RUN"],
  options: {
    data: { value: "SPEC", about: "where the same images are now, if they have moved" },
    ...trainingOptions,
  },
  examples: ["poa resume runs/digits", "poa resume runs/photos --data /mnt/photos"],
  async run(call, output) {
    const path = call.operands[0];
    if (FinetuneFolder.isOne(path))
      throw new ConfigError(`${path} holds a fine-tuning. Repeat the call that began it, with --resume.`);
    const folder = RunFolder.open(path);
    try {
      const { config } = await loadConfig(folder.configPath);
      const info = folder.readInfo();
      const source = await openSource(call.text("data") ?? info.data, { split: "train", onNote: imageNotes(output) });
      if (source.fingerprint() !== info.dataFingerprint) {
        output.warn(
          `the images differ from those the run began with (${source.length} now, ${info.images} then); the order changes.`,
        );
      }
      const began = info.host?.simd ?? "plain";
      if (began !== call.simd)
        output.warn(
          `the run began with --simd ${began} and continues with --simd ${call.simd}, so its bits are of neither.`,
        );
      const evaluate = await evaluationOf(config, folder, output);
      await init({ threads: call.threads, simd: call.simd });
      const trainer = new Trainer(config, source, {
        strict: call.flag("strict"),
        workers: call.integer("workers"),
        onWarning: (message) => output.warn(message),
        diskCache: diskCacheIn(config.train.cache_dir ?? folder.cachePath),
      });
      const saved = folder.checkpoints.loadNewest((message) => output.warn(message));
      if (saved) trainer.restore(saved);
      else if (info.init !== null) trainer.loadWeights(readWeights(info.init));
      folder.truncateMetrics(trainer.iteration);
      if (!trainer.finished) expectRoom(path, trainer);
      output.note(
        trainer.finished
          ? "the run is finished"
          : `continuing at step ${trainer.iteration} of ${trainer.plan.totalIterations}`,
      );
      return await runTraining(trainer, folder, output, { profile: call.flag("profile"), evaluate });
    } finally {
      folder.unlock();
    }
  },
};

async function evaluationOf(
  config: Config,
  { configPath }: RunFolder,
  output: Output,
): Promise<EvaluateTeacher | undefined> {
  try {
    return await trainingEvaluation(config, output);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const wayOut = `evaluation.knn in ${configPath} names where labelled images are; null does without.`;
    throw new DataError(`${error.message} ${wayOut}`, { cause: error });
  }
}
