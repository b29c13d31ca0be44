import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ImageSource } from "../../data/dataset.js";
import { openSource } from "../../data/source-spec.js";
import { extractFeatures } from "../../eval/features.js";
import { fewShotAccuracy } from "../../eval/few-shot.js";
import { knnAccuracy, type LabelledFeatures } from "../../eval/knn.js";
import { rawPixels } from "../../eval/raw-pixels.js";
import { readEncoder, writeEncoder } from "../../export/encoder-file.js";
import { type Encoder, sliceEncoder } from "../../models/encoder.js";
import { sizeOfNetwork } from "../../models/size.js";
import { resolveConfig } from "../../poa/config.js";
import { configYaml } from "../../poa/config-yaml.js";
import { init } from "../../runtime/context.js";
import { RunFolder } from "../../train/run-folder.js";
import { Trainer } from "../../train/trainer.js";
import type { Command } from "../command.js";
import { recipeSeedOption } from "../common-options.js";
import { formatTable, type Output } from "../output.js";
import { seedOverride } from "../seed.js";
import { portableConfig, runInfo, runTraining } from "../training.js";
import { trainingEvaluation } from "../training-evaluation.js";

const NEIGHBOURS = 20;
const SHOTS_PER_CLASS = 10;

/** Accuracy with all labels, and from ten per class. */
interface Scores {
  readonly knn: number;
  readonly shot10: number;
}

export const demo: Command = {
  name: "demo",
  summary: "pre-train on 8,000 handwritten digits, then compare the encoders of every size with their random start",
  overrides: true,
  options: {
    out: { value: "DIR", about: "run folder", fallback: "demo" },
    seed: recipeSeedOption,
  },
  examples: ["poa demo", "poa demo --json --out runs/demo optim.epochs=4"],
  async run(call, output) {
    const { config } = resolveConfig({}, { preset: "demo", overrides: [...call.overrides, ...seedOverride(call)] });
    const [train, test] = [await openSource("mnist#train"), await openSource("mnist#test")];
    const out = call.required("out");
    const overwrite = existsSync(join(out, "run.json"));
    RunFolder.expectFree(out, { overwrite });
    const evaluate = await trainingEvaluation(config, output);
    await init({ threads: call.threads, simd: call.simd });
    const trainer = new Trainer(config, train, { onWarning: (message) => output.warn(message) });
    const folder = RunFolder.create(out, { overwrite });
    folder.describe(configYaml(portableConfig(config)), runInfo(trainer, train, { data: "mnist", init: null }));
    output.note(`training ${trainer.space.distinct().length} networks at once on ${train.length} images`);
    const start = performance.now();
    const code = await runTraining(trainer, folder, output, { quietResult: true, evaluate });
    const seconds = (performance.now() - start) / 1000;
    if (code !== 0) return code;

    const data = { train, test, classes: train.classes.length };
    const raw = score(await rawPixels(train), await rawPixels(test), data.classes);
    const teacher = (step: number) => readEncoder(join(folder.checkpoints.folderOf(step), "teacher.safetensors"));
    const [trained, random] = [teacher(trainer.iteration), teacher(0)];
    const networks = [];
    for (const network of trainer.space.distinct().toReversed()) {
      const { name } = network;
      const slice = sliceEncoder(trained, network);
      const file = join(out, `${name}.safetensors`);
      writeEncoder(file, { ...slice, backbone: slice.backbone.materialize() });
      const after = await scoreEncoder(readEncoder(file), data, output, name);
      const before = await scoreEncoder(sliceEncoder(random, network), data, output, `${name}, random start`);
      const { params } = sizeOfNetwork(slice.backbone, slice.spec.imageSize);
      networks.push({
        name,
        params,
        knn: after.knn,
        shot10: after.shot10,
        randomKnn: before.knn,
        randomShot10: before.shot10,
        file,
      });
    }
    output.result({ raw, networks, seconds }, table(raw, networks, seconds));
    return 0;
  },
};

function score(bank: LabelledFeatures, queries: LabelledFeatures, classes: number): Scores {
  return {
    knn: knnAccuracy(queries, bank, { ks: [NEIGHBOURS], classes })[NEIGHBOURS],
    shot10: fewShotAccuracy(queries, bank, { classes, perClass: SHOTS_PER_CLASS }),
  };
}

async function scoreEncoder(
  encoder: Encoder,
  data: { train: ImageSource; test: ImageSource; classes: number },
  output: Output,
  what: string,
): Promise<Scores> {
  output.note(`evaluating ${what}`);
  const [bank, queries] = [await extractFeatures(data.train, encoder), await extractFeatures(data.test, encoder)];
  const scores = score(bank, queries, data.classes);
  bank.features.dispose();
  queries.features.dispose();
  return scores;
}

type Row = { name: string; params: number; randomKnn: number; randomShot10: number } & Scores;

function table(raw: Scores, networks: readonly Row[], seconds: number): string {
  const cell = (value: number) => value.toFixed(3);
  const rows = networks.map(({ name, params, knn, shot10, randomKnn, randomShot10 }, i) => [
    `${name}${i === 0 ? " (full)" : ""}`,
    params.toLocaleString("en"),
    cell(randomKnn),
    cell(knn),
    cell(randomShot10),
    cell(shot10),
  ]);
  return [
    "",
    formatTable([
      ["network", "parameters", "k-NN random", "k-NN trained", "10 labels random", "10 labels trained"],
      ["raw pixels", "", "", cell(raw.knn), "", cell(raw.shot10)],
      ...rows,
    ]),
    "",
    `One run of ${Math.round(seconds)} s. k-NN: ${NEIGHBOURS} neighbours, all labels. 10 labels: nearest of ${SHOTS_PER_CLASS} labelled digits per class, mean of 10 draws.`,
  ].join("\n");
}
