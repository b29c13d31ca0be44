import type { ImageSource } from "../../data/dataset.js";
import { openSource, parseSourceSpec } from "../../data/source-spec.js";
import { ConfigError, DataError } from "../../errors.js";
import { extractFeatures, type FeatureOptions } from "../../eval/features.js";
import { fewShotAccuracy } from "../../eval/few-shot.js";
import { knnAccuracy } from "../../eval/knn.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { openModel } from "../model.js";
import type { Output } from "../output.js";

export const evalKnn: Command = {
  name: "eval knn",
  summary: "nearest-neighbour accuracy of a frozen encoder on labelled images",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "labelled images; without #split, train is the bank and test the queries" },
    test: { value: "SPEC", about: "the queries, if they stand elsewhere" },
    net: { value: "NAME", about: "sub-network of a run: 96x4, small, full", fallback: "full" },
    k: { value: "LIST", about: "numbers of neighbours", fallback: "10,20,100,200" },
    shots: { value: "N", about: "also 1-NN accuracy from N labels per class" },
    draws: { value: "N", about: "draws of those labels; the mean is reported", fallback: "10" },
    strict: { about: "stop at the first broken image" },
  },
  examples: [
    "poa eval knn runs/digits --data mnist",
    "poa eval knn runs/cifar --data cifar10:DIR --net 48x2 --k 20 --json",
  ],
  async run(call, output) {
    const ks = parseKs(call.required("k"));
    const [shots, draws] = [call.integer("shots", 1), call.integer("draws", 1)];
    const { bank, queries } = await openBoth(call.required("data"), call.text("test"));
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const train = await extractFeatures(bank, encoder, extractionOptions(call, output, "bank"));
    const test = await extractFeatures(queries, encoder, extractionOptions(call, output, "queries"));
    const classes = bank.classes.length;
    const top1 = knnAccuracy(test, train, { ks, classes });
    const shot =
      shots === undefined
        ? {}
        : { [`shot${shots}`]: fewShotAccuracy(test, train, { classes, perClass: shots, draws }) };
    const lines = [
      ...Object.entries(top1).map(([k, accuracy]) => `k = ${k}: ${accuracy.toFixed(4)}`),
      ...Object.entries(shot).map(([name, accuracy]) => `${name}: ${accuracy.toFixed(4)}`),
    ];
    output.result(
      { network, top1, ...shot, bank: train.labels.length, queries: test.labels.length },
      [`network ${network}`, ...lines].join("\n"),
    );
    return 0;
  },
};

/** Progress, warnings and what to do with broken images while features are extracted. */
export function extractionOptions(call: Call, output: Output, what: string): FeatureOptions {
  return {
    strict: call.flag("strict"),
    onProgress: (done, total) => output.progress(() => `${what}: ${done}/${total} images`, { final: done === total }),
    onWarning: (message) => output.warn(message),
  };
}

function parseKs(text: string): number[] {
  const ks = text.split(",").map(Number);
  if (!ks.every((k) => Number.isSafeInteger(k) && k >= 1))
    throw new ConfigError(`eval knn: --k is ${JSON.stringify(text)}, expected whole numbers such as 10,20.`);
  return ks;
}

/** Bank and queries; both need labels, and the same classes. */
async function openBoth(data: string, test: string | undefined): Promise<{ bank: ImageSource; queries: ImageSource }> {
  if (test === undefined && parseSourceSpec(data).split !== null) {
    throw new ConfigError(
      `eval knn: --data ${data} names one split. Leave #split out, or name the queries with --test.`,
    );
  }
  const bank = await openSource(data, { split: "train" });
  const queries = test === undefined ? await openSource(data, { split: "test" }) : await openQueries(test);
  for (const source of [bank, queries]) {
    if (!source.labels)
      throw new DataError(`eval knn: ${source.name} has no labels. Put images into one folder per class.`);
  }
  if (bank.classes.join("\n") !== queries.classes.join("\n")) {
    throw new DataError(
      `eval knn: ${bank.name} has classes ${bank.classes.join(", ")}, ${queries.name} has ${queries.classes.join(", ")}.`,
    );
  }
  return { bank, queries };
}

/** The test split of what `--test` names; a folder that is not divided into splits is taken whole. */
async function openQueries(spec: string): Promise<ImageSource> {
  const { kind, split } = parseSourceSpec(spec);
  try {
    return await openSource(spec, { split: "test" });
  } catch (error) {
    if (!(error instanceof DataError) || kind !== "folder" || split !== null) throw error;
    return openSource(spec);
  }
}
