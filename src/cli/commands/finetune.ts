import { resolve } from "node:path";
import { absoluteSpec } from "../../data/source-spec.js";
import { ConfigError } from "../../errors.js";
import { init, runtime } from "../../runtime/context.js";
import { FinetuneFolder, type FinetuneInfo } from "../../train/finetune-folder.js";
import { FineTuner } from "../../train/finetuner.js";
import type { Call, Command } from "../command.js";
import { netOption, strictOption, workersOption } from "../common-options.js";
import {
  type FinetuneSources,
  finetuneSettings,
  openFinetuneSources,
  settingsOptions,
  sourceOptions,
} from "../finetune-options.js";
import { type FinetuneResult, FinetuneRun, tellResult } from "../finetune-run.js";
import { openModel, projectionHead } from "../model.js";
import type { Output } from "../output.js";
import { hostInfo } from "../training.js";
import { version } from "../version.js";

export const finetune: Command = {
  name: "finetune",
  summary: "train an encoder and a classifier on labelled images",
  operands: ["MODEL"],
  options: {
    ...sourceOptions,
    out: { value: "DIR", about: "folder of the result, new or empty" },
    net: netOption,
    ...settingsOptions,
    resume: { about: "continue what the same call has begun in --out" },
    overwrite: { about: "replace what an earlier fine-tuning left in --out" },
    strict: strictOption,
    workers: workersOption,
  },
  examples: [
    "poa finetune runs/photos --data photos --out tuned --net 64x2 --epochs 30",
    "poa finetune encoders/small.safetensors --data imagenet --out tuned --recipe vit_s",
    "poa finetune runs/cifar --data cifar10:DIR --out few --share 0.01 --head projection --ema 0.99",
  ],
  async run(call, output) {
    const given = finetuneSettings(call);
    const [out, resume, overwrite] = [call.required("out"), call.flag("resume"), call.flag("overwrite")];
    if (resume && overwrite) throw new ConfigError("finetune: --resume and --overwrite exclude each other.");
    const sources = await openFinetuneSources(call, given.seed);
    const batch = Math.min(given.batch, sources.train.length);
    if (batch < given.batch) output.note(`batch of ${batch}: there are no more images to learn from`);
    if (!resume) FinetuneFolder.expectFree(out, { overwrite });
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const hiddenStart = given.hidden > 0 ? projectionHead(call.operands[0], encoder) : null;
    const hidden = hiddenStart?.bias.data.length ?? given.hidden;
    const tuner = new FineTuner(
      encoder,
      sources.train,
      { ...given, batch, hidden },
      {
        strict: call.flag("strict"),
        workers: call.integer("workers"),
        onWarning: (message) => output.warn(message),
        hiddenStart,
      },
    );
    encoder.backbone.dispose();
    const info = infoOf(call, tuner, { network, sources });
    // Only now, so that a mistake in any option leaves neither an empty folder behind nor an old run deleted.
    const folder = resume ? FinetuneFolder.open(out, info) : FinetuneFolder.create(out, info, { overwrite });
    try {
      const before = folder.readResult();
      if (before) {
        output.note("the fine-tuning is finished");
        tellResult(output, before as unknown as FinetuneResult);
        return 0;
      }
      if (resume) restore(tuner, folder, output);
      return await new FinetuneRun(tuner, folder, sources, { output, strict: call.flag("strict") }).run(network);
    } finally {
      tuner.close();
      folder.unlock();
    }
  },
};

function infoOf(
  call: Call,
  { settings, source }: FineTuner,
  { network, sources }: { network: string; sources: FinetuneSources },
): FinetuneInfo {
  return {
    version,
    model: resolve(call.operands[0]),
    network,
    settings,
    data: absoluteSpec(call.required("data")),
    images: source.length,
    dataFingerprint: source.fingerprint(),
    testFingerprint: sources.test.fingerprint(),
    classes: source.classes,
    host: hostInfo(),
  };
}

function restore(tuner: FineTuner, folder: FinetuneFolder, output: Output): void {
  const saved = folder.loadNewest(tuner.ema !== null, (message) => output.warn(message));
  if (saved) tuner.restore(saved);
  folder.metrics.truncate(tuner.iteration);
  const [began, now] = [folder.info.host.simd, runtime().simd];
  if (began !== now)
    output.warn(`the run began with --simd ${began} and continues with --simd ${now}, so its bits are of neither.`);
  output.note(`continuing at step ${tuner.iteration} of ${tuner.plan.totalIterations}`);
}
