import { ConfigError } from "../../errors.js";
import { extractFeatures } from "../../eval/features.js";
import { fewShotAccuracy } from "../../eval/few-shot.js";
import { knnAccuracy } from "../../eval/knn.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { extractionOptions, openBankAndQueries } from "../labelled-data.js";
import { openModel } from "../model.js";

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
    const { bank, queries } = await openBankAndQueries("eval knn", {
      data: call.required("data"),
      test: call.text("test"),
    });
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

function parseKs(text: string): number[] {
  const ks = text.split(",").map(Number);
  if (!ks.every((k) => Number.isSafeInteger(k) && k >= 1))
    throw new ConfigError(`eval knn: --k is ${JSON.stringify(text)}, expected whole numbers such as 10,20.`);
  return ks;
}
