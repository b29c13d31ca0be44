import { join, resolve } from "node:path";
import { absoluteSpec } from "../data/source-spec.js";
import type { LabelDraws, SemiResult, SemiSources } from "../eval/semi.js";
import { semiTuned, type TunedDraw } from "../eval/semi-tuning.js";
import { writeClassifier } from "../export/classifier-file.js";
import { remainingSteps } from "../train/finetune.js";
import { FinetuneFolder, type FinetuneInfo } from "../train/finetune-folder.js";
import { FinetuneHealth } from "../train/finetune-health.js";
import { finetuneLoop } from "../train/finetune-loop.js";
import type { FinetuneSettings } from "../train/finetune-settings.js";
import type { FineTuner, FinetuneReport } from "../train/finetuner.js";
import type { Call, Option } from "./command.js";
import { workersOption } from "./common-options.js";
import { finetuneSettings, settingsOptions } from "./finetune-options.js";
import { interruptible } from "./interrupt.js";
import { extractionOptions } from "./labelled-data.js";
import { type OpenModel, projectionHead } from "./model.js";
import type { Output } from "./output.js";
import { StepProgress } from "./step-progress.js";
import { hostInfo } from "./training.js";
import { version } from "./version.js";

const { recipe, seed: _, ...settings } = settingsOptions;

/** Options that only a fine-tuning has. */
export const tuningOptions: Readonly<Record<string, Option>> = {
  recipe: { ...recipe, fallback: undefined, about: `${recipe.about} (default semi)` },
  ...settings,
  out: { value: "DIR", about: "keep the fine-tuning of each draw in a folder there; the same call continues" },
  overwrite: { about: "begin anew if --out holds draws" },
  workers: workersOption,
};

/** Settings of `eval semi --method finetune`. @throws ConfigError as `finetuneSettings` */
export const tuningSettings = (call: Call): FinetuneSettings =>
  finetuneSettings(call, { verb: "eval semi", usual: "semi" });

/** What is judged, and from how many labels. */
export interface SemiTask extends LabelDraws {
  readonly model: OpenModel;
  readonly sources: SemiSources;
  readonly settings: FinetuneSettings;
}

/**
 * Fine-tunes a network from each draw of labels, with progress; with `--out` in a folder each, where the same call goes on.
 *
 * @returns null if it was interrupted
 * @throws ConfigError, DataError, NumericError as `semiTuned` and `FinetuneFolder`
 */
export async function tuneSemi(call: Call, output: Output, task: SemiTask): Promise<SemiResult<TunedDraw> | null> {
  const { encoder } = task.model;
  const hiddenStart = task.settings.hidden > 0 ? projectionHead(call.operands[0], encoder) : null;
  const tuning = { ...task.settings, hidden: hiddenStart?.bias.data.length ?? task.settings.hidden };
  let open: FinetuneFolder | null = null;
  return interruptible(
    output,
    () => open?.unlock(),
    (signal) =>
      semiTuned(encoder, task.sources, {
        ...{ amount: task.amount, draws: task.draws, seed: task.seed, settings: tuning },
        tuning: {
          ...{ strict: call.flag("strict"), workers: call.integer("workers"), hiddenStart },
          onWarning: (message) => output.warn(message),
        },
        extraction: extractionOptions(call, output, "test images"),
        train: async (tuner, draw) => {
          const onStep = stepReporter(output, tuner, { draw, draws: task.draws });
          const out = call.text("out");
          if (out === undefined) return trainInMemory(tuner, { output, signal, onStep });
          open = openDraw(join(out, `draw-${draw}`), call, tuner, task);
          try {
            return await trainInFolder(tuner, open, { output, signal, onStep });
          } finally {
            open.unlock();
            open = null;
          }
        },
      }),
  );
}

interface Watch {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly onStep: (report: FinetuneReport) => void;
}

async function trainInMemory(tuner: FineTuner, { output, signal, onStep }: Watch): Promise<boolean> {
  const health = new FinetuneHealth((message) => output.warn(message));
  for await (const report of remainingSteps(tuner, signal)) {
    health.add(report);
    onStep(report);
  }
  return tuner.finished;
}

async function trainInFolder(
  tuner: FineTuner,
  folder: FinetuneFolder,
  { output, signal, onStep }: Watch,
): Promise<boolean> {
  const onWarning = (message: string) => output.warn(message);
  const saved = folder.loadNewest(tuner.ema !== null, onWarning);
  if (saved) tuner.restore(saved);
  folder.metrics.truncate(tuner.iteration);
  const { interrupted } = await finetuneLoop(tuner, folder, { validate: null, signal, onStep, onWarning });
  if (interrupted) return false;
  const { spec, source, settings } = tuner;
  const about = { network: folder.info.network, images: source.length, epochs: settings.epochs, version };
  for (const [which, model] of [["weights", tuner.model] as const, ["ema", tuner.averaged()] as const])
    if (model) writeClassifier(folder.modelPath(which), { model, spec, classes: source.classes }, about);
  return true;
}

/** The folder of one draw, new or begun by the same call. @throws ConfigError if it holds something else */
function openDraw(path: string, call: Call, { settings, source }: FineTuner, task: SemiTask): FinetuneFolder {
  const info: FinetuneInfo = {
    version,
    ...{ model: resolve(call.operands[0]), network: task.model.network, settings },
    ...{ data: absoluteSpec(call.required("data")), images: source.length, classes: source.classes },
    ...{ dataFingerprint: source.fingerprint(), testFingerprint: task.sources.test.fingerprint(), host: hostInfo() },
  };
  const overwrite = call.flag("overwrite");
  return !overwrite && FinetuneFolder.isOne(path)
    ? FinetuneFolder.open(path, info)
    : FinetuneFolder.create(path, info, { overwrite });
}

function stepReporter(output: Output, tuner: FineTuner, { draw, draws }: { draw: number; draws: number }) {
  const progress = new StepProgress(tuner.plan.totalIterations);
  return (report: FinetuneReport) => {
    progress.add(report);
    const { iteration, epoch, loss, lr } = report;
    output.event("step", { draw, iteration, epoch, loss, lr });
    output.progress(() => `draw ${draw + 1}/${draws} ${progress.line(report)}`, { final: tuner.finished });
  };
}
