import { ConfigError } from "../../errors.js";
import { type SemiResult, semiSupervised } from "../../eval/semi.js";
import type { LabelAmount } from "../../eval/stratified.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { extractionOptions, openBankAndQueries, shareOption } from "../labelled-data.js";
import { openModel } from "../model.js";

const PURPOSES = { labelled: "labelled images", test: "test images" } as const;

export const evalSemi: Command = {
  name: "eval semi",
  summary: "accuracy of a frozen encoder from few labels, by logistic regression",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "labelled images; without #split, train to draw labels from and test to judge on" },
    test: { value: "SPEC", about: "the test images, if they stand elsewhere" },
    share: { value: "SHARE", about: "share of each class whose labels are seen: 0.01, 0.1" },
    "per-class": { value: "N", about: "labels per class, instead of --share" },
    draws: { value: "N", about: "draws of those labels; the mean is reported", fallback: "5" },
    lambda: { value: "LIST", about: "penalties, each divided by the number of labels", fallback: "0.01,0.1,1" },
    folds: { value: "N", about: "parts of the cross-validation that chooses among them", fallback: "5" },
    net: { value: "NAME", about: "sub-network of a run: 96x4, small, full", fallback: "full" },
    seed: { value: "N", about: "of the draws", fallback: "0" },
    strict: { about: "stop at the first broken image" },
  },
  examples: [
    "poa eval semi runs/digits --data mnist --per-class 10",
    "poa eval semi runs/cifar --data cifar10:DIR --share 0.01 --draws 10 --json",
  ],
  async run(call, output) {
    const amount = amountOf(call);
    const lambdas = lambdasOf(call.required("lambda"));
    const [draws, folds] = [call.integer("draws", 1)!, call.integer("folds", 2)!];
    const { bank, queries } = await openBankAndQueries("eval semi", {
      data: call.required("data"),
      test: call.text("test"),
    });
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const result = await semiSupervised(
      encoder,
      { train: bank, test: queries },
      {
        ...{ amount, lambdas, draws, folds, seed: call.integer("seed")! },
        extraction: (purpose) => extractionOptions(call, output, PURPOSES[purpose]),
        onDraw: (done, total) => output.progress(() => `draw ${done}/${total}`, { final: done === total }),
      },
    );
    output.result({ network, ...result, ...amount, method: "logistic" }, textOf(network, result));
    return 0;
  },
};

function amountOf(call: Call): LabelAmount {
  const perClass = call.integer("per-class", 1);
  const given = call.text("share") !== undefined;
  if (given && perClass !== undefined)
    throw new ConfigError("eval semi: --share and --per-class exclude each other. Leave one out.");
  if (perClass !== undefined) return { perClass };
  if (!given) throw new ConfigError("eval semi: --share or --per-class is missing: how many labels are seen?");
  return { share: shareOption(call, "eval semi", "share") };
}

function lambdasOf(text: string): number[] {
  const lambdas = text.split(",").map(Number);
  if (lambdas.every((lambda) => lambda > 0 && Number.isFinite(lambda))) return lambdas;
  throw new ConfigError(`eval semi: --lambda is ${JSON.stringify(text)}, expected numbers above 0 such as 0.01,0.1,1.`);
}

function textOf(network: string, { top1, deviation, interval, draws, test }: SemiResult): string {
  const four = (value: number) => value.toFixed(4);
  return [
    `network ${network}`,
    `top-1 ${four(top1)} (95 % ${four(interval.low)} to ${four(interval.high)}) of ${test} test images, ` +
      `mean of ${draws.length} ${draws.length === 1 ? "draw" : `draws, deviation ${four(deviation!)}`}`,
    ...draws.map((draw) => `${draw.labels} labels, penalty ${draw.lambda}/n: ${four(draw.top1)}`),
  ].join("\n");
}
