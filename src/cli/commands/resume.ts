import type { ImageSource } from "../../data/dataset.js";
import { openSource } from "../../data/source-spec.js";
import { ConfigError, DataError } from "../../errors.js";
import { readWeights } from "../../export/initial-weights.js";
import type { Config } from "../../poa/config-keys.js";
import { planRun } from "../../poa/plan.js";
import type { Collective } from "../../runtime/collective.js";
import { init } from "../../runtime/context.js";
import { agreed, fromRankZero } from "../../train/agreement.js";
import { expectRoom } from "../../train/checkpoint-space.js";
import { diskCacheIn } from "../../train/disk-cache.js";
import type { EvaluateTeacher } from "../../train/evaluation.js";
import { FinetuneFolder } from "../../train/finetune-folder.js";
import { RunFolder, type RunInfo } from "../../train/run-folder.js";
import { Trainer } from "../../train/trainer.js";
import type { Call, Command } from "../command.js";
import { trainingOptions } from "../common-options.js";
import { loadConfig } from "../config-file.js";
import { imageNotes } from "../image-notes.js";
import type { Output } from "../output.js";
import { acrossRanks, followTraining, rankOptions, rankThreads, termsOfRun } from "../ranks.js";
import { runTraining } from "../training.js";
import { trainingEvaluation } from "../training-evaluation.js";

export const resume: Command = {
  name: "resume",
  summary: "continue a run exactly where its newest checkpoint stands",
  operands: ["RUN"],
  options: {
    data: { value: "SPEC", about: "where the same images are now, if they have moved" },
    ...trainingOptions,
    ...rankOptions,
  },
  examples: [
    "poa resume runs/digits",
    "poa resume runs/photos --data /mnt/photos",
    "mpirun -np 4 poa resume runs/photos",
  ],
  run: (call, output) => acrossRanks(call, output, (ranks) => resumeOn(ranks, call, output)),
};

async function resumeOn(ranks: Collective, call: Call, output: Output): Promise<number> {
  const path = call.operands[0];
  const folder = ranks.rank === 0 ? openRun(path) : null;
  try {
    const { config, info } = fromRankZero(ranks, folder && (await descriptionOf(folder)));
    const { source, evaluate } = await agreed(
      ranks,
      async () => ({
        source: await openSource(call.text("data") ?? info.data, { split: "train", onNote: imageNotes(output) }),
        evaluate: folder ? await evaluationOf(config, folder, output) : undefined,
      }),
      (opened) => termsOfRun(call, config, opened.source),
    );
    for (const change of changesOf({ config, info }, source, { ranks, call })) if (folder) output.warn(change);
    await init({ threads: rankThreads(call, ranks), simd: call.simd });
    const trainer = new Trainer(config, source, {
      strict: call.flag("strict"),
      workers: call.integer("workers"),
      ranks,
      onWarning: (message) => output.warn(message),
      diskCache: diskCacheIn(config.train.cache_dir ?? RunFolder.cachePathOf(path)),
    });
    if (!folder) {
      trainer.shareState();
      return await followTraining(trainer, output);
    }
    takeUp(trainer, folder, { info, output });
    trainer.shareState();
    return await runTraining(trainer, folder, output, { profile: call.flag("profile"), evaluate });
  } finally {
    folder?.unlock();
  }
}

function openRun(path: string): RunFolder {
  if (FinetuneFolder.isOne(path))
    throw new ConfigError(`${path} holds a fine-tuning. Repeat the call that began it, with --resume.`);
  return RunFolder.open(path);
}

/** What a run is. */
interface Description {
  readonly config: Config;
  readonly info: RunInfo;
}

async function descriptionOf(folder: RunFolder): Promise<Description> {
  const { config } = await loadConfig(folder.configPath);
  return { config, info: folder.readInfo() };
}

/** Goes to where the newest checkpoint stands. */
function takeUp(trainer: Trainer, folder: RunFolder, { info, output }: { info: RunInfo; output: Output }): void {
  const saved = folder.checkpoints.loadNewest((message) => output.warn(message));
  if (saved) trainer.restore(saved);
  else if (info.init !== null) trainer.loadWeights(readWeights(info.init));
  folder.truncateMetrics(trainer.iteration);
  if (!trainer.finished) expectRoom(folder.path, trainer);
  output.note(
    trainer.finished
      ? "the run is finished"
      : `continuing at step ${trainer.iteration} of ${trainer.plan.totalIterations}`,
  );
}

/** Figures of a plan that follow from the number of ranks. */
const FIGURES = {
  imagesPerStep: "images per step",
  peakLearningRate: "peak learning rate",
  epochLength: "steps per epoch",
  totalIterations: "steps in all",
} as const;

/** In what a run goes on otherwise than it began, so that its bits are of neither. */
function changesOf(
  { config, info }: Description,
  source: ImageSource,
  { ranks, call }: { ranks: Collective; call: Call },
): string[] {
  const changes: string[] = [];
  if (source.fingerprint() !== info.dataFingerprint) {
    changes.push(
      `the images differ from those the run began with (${source.length} now, ${info.images} then); the order changes.`,
    );
  }
  const began = info.host?.simd ?? "plain";
  if (began !== call.simd)
    changes.push(
      `the run began with --simd ${began} and continues with --simd ${call.simd}, so its bits are of neither.`,
    );
  const { ranks: before = 1, deterministic = false } = info;
  if (before !== ranks.size) {
    const [then, now] = [before, ranks.size].map((processes) => planRun(config, { images: source.length, processes }));
    const differing = (["imagesPerStep", "peakLearningRate", "epochLength", "totalIterations"] as const)
      .filter((figure) => then[figure] !== now[figure])
      .map((figure) => `${FIGURES[figure]} ${now[figure]} in place of ${then[figure]}`);
    changes.push(
      `the run began with ${before} ranks and continues with ${ranks.size}: ${differing.join(", ")}, images in another order.`,
    );
  } else if (deterministic && ranks.size > 1 && !call.flag("deterministic"))
    changes.push("the run began with --deterministic and continues without, so its bits may be of neither.");
  return changes;
}

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
