import { openSource } from "../../data/source-spec.js";
import { readWeights } from "../../export/initial-weights.js";
import { configYaml } from "../../poa/config-yaml.js";
import { init } from "../../runtime/context.js";
import { estimateRun } from "../../train/estimate.js";
import { RunFolder } from "../../train/run-folder.js";
import { Trainer } from "../../train/trainer.js";
import type { Command } from "../command.js";
import { loadConfig } from "../config-file.js";
import { seedOverride } from "../seed.js";
import { hostInfo, runTraining } from "../training.js";
import { version } from "../version.js";

export const pretrain: Command = {
  name: "pretrain",
  summary: "train one run that holds encoders of every size",
  overrides: true,
  options: {
    config: { value: "PRESET|FILE", about: "recipe: a preset or a YAML file" },
    data: { value: "SPEC", about: "training images: DIR, cifar10:DIR, mnist, with #split and @a..b" },
    out: { value: "DIR", about: "run folder, new or empty" },
    init: { value: "FILE", about: "start from the weights of a checkpoint's teacher, heads included" },
    seed: { value: "N", about: "source of all randomness (train.seed)" },
    overwrite: { about: "replace what an earlier run left in --out" },
    strict: { about: "stop at the first broken image" },
    "dry-run": { about: "print what the run would need, and stop" },
  },
  examples: [
    "poa pretrain --config demo --data mnist --out runs/digits",
    "poa pretrain --config vit-tiny --data photos/ --out runs/photos optim.epochs=20",
  ],
  async run(call, output) {
    const { config, notes } = await loadConfig(call.required("config"), [...call.overrides, ...seedOverride(call)]);
    for (const note of notes) output.note(note);
    const source = await openSource(call.required("data"), { split: "train" });
    if (call.flag("dry-run")) {
      const estimate = estimateRun(config, source.length);
      output.result(
        { ...estimate },
        Object.entries(estimate)
          .map(([key, value]) => `${key}: ${value}`)
          .join("\n"),
      );
      return 0;
    }
    const folder = RunFolder.create(call.required("out"), { overwrite: call.flag("overwrite") });
    try {
      await init();
      const trainer = new Trainer(config, source, {
        strict: call.flag("strict"),
        onWarning: (message) => output.warn(message),
      });
      const initial = call.text("init");
      if (initial !== undefined) trainer.loadWeights(readWeights(initial));
      folder.writeConfig(configYaml(config));
      folder.writeInfo({
        version,
        data: call.required("data"),
        dataFingerprint: source.fingerprint(),
        images: source.length,
        seed: config.train.seed,
        host: hostInfo(),
      });
      return await runTraining(trainer, folder, output);
    } finally {
      folder.unlock();
    }
  },
};
