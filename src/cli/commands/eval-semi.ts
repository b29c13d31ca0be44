import { ConfigError } from "../../errors.js";
import { LOGISTIC_LAMBDAS } from "../../eval/logistic-choice.js";
import { type SemiDraw, type SemiResult, semiSupervised } from "../../eval/semi.js";
import type { TunedDraw } from "../../eval/semi-tuning.js";
import type { LabelAmount } from "../../eval/stratified.js";
import { init } from "../../runtime/context.js";
import type { Call, Command, Option } from "../command.js";
import { netOption, strictOption, testOption } from "../common-options.js";
import { INTERRUPTED } from "../interrupt.js";
import { extractionOptions, openBankAndQueries, shareOption } from "../labelled-data.js";
import { openModel } from "../model.js";
import type { Output } from "../output.js";
import { type SemiTask, tuneSemi, tuningOptions, tuningSettings } from "../semi-tuning.js";

const PURPOSES = { labelled: "labelled images", test: "test images" } as const;
const FOLDS = 5;
/** Draws where none are asked for: a fine-tuning takes its time. */
const DRAWS = { logistic: 5, finetune: 1 } as const;

type Method = keyof typeof DRAWS;

const logisticOptions: Readonly<Record<string, Option>> = {
  lambda: {
    value: "LIST",
    about: `penalties, each divided by the number of labels (default ${LOGISTIC_LAMBDAS.join(",")})`,
  },
  folds: { value: "N", about: `parts of the cross-validation that chooses among them (default ${FOLDS})` },
};

/** Options that one method alone has. */
const optionsOf = { logistic: logisticOptions, finetune: tuningOptions } as const;

export const evalSemi: Command = {
  name: "eval semi",
  summary: "accuracy from few labels, by logistic regression or by fine-tuning",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "labelled images; without #split, train to draw labels from and test to judge on" },
    test: testOption,
    method: {
      value: "logistic|finetune",
      about: "on features of the frozen encoder, or training all of it",
      fallback: "logistic",
    },
    share: { value: "SHARE", about: "share of each class whose labels are seen: 0.01, 0.1" },
    "per-class": { value: "N", about: "labels per class, instead of --share" },
    draws: {
      value: "N",
      about: `draws of those labels; the mean is reported (default ${DRAWS.logistic}, with finetune ${DRAWS.finetune})`,
    },
    ...logisticOptions,
    net: netOption,
    seed: { value: "N", about: "of the draws and of all randomness", fallback: "0" },
    strict: strictOption,
    ...tuningOptions,
  },
  examples: [
    "poa eval semi runs/digits --data mnist --per-class 10",
    "poa eval semi runs/cifar --data cifar10:DIR --share 0.01 --draws 10 --json",
    "poa eval semi runs/cifar --data cifar10:DIR --share 0.1 --method finetune --out few",
  ],
  async run(call, output) {
    const method = methodOf(call);
    const amount = amountOf(call);
    const draws = call.integer("draws", 1) ?? DRAWS[method];
    const settings = method === "finetune" ? tuningSettings(call) : null;
    const search = { lambdas: lambdasOf(call.text("lambda")), folds: call.integer("folds", 2) ?? FOLDS };
    const { bank, queries } = await openBankAndQueries("eval semi", {
      data: call.required("data"),
      test: call.text("test"),
    });
    await init({ threads: call.threads, simd: call.simd });
    const model = await openModel(call.operands[0], call.text("net"));
    const seed = call.integer("seed")!;
    const sources = { train: bank, test: queries };
    if (settings) return finetuned(call, output, { model, sources, amount, draws, seed, settings });
    const result = await semiSupervised(model.encoder, sources, {
      ...{ amount, ...search, draws, seed },
      extraction: (purpose) => extractionOptions(call, output, PURPOSES[purpose]),
      onDraw: (done, total) => output.progress(() => `draw ${done}/${total}`, { final: done === total }),
    });
    const each = (draw: SemiDraw) => `penalty ${draw.lambda}/n`;
    output.result({ network: model.network, ...result, ...amount, method }, textOf(model.network, result, each));
    return 0;
  },
};

async function finetuned(call: Call, output: Output, task: SemiTask): Promise<number> {
  const { network } = task.model;
  const out = call.text("out");
  const about = { ...task.amount, method: "finetune", epochs: task.settings.epochs, ...(out !== undefined && { out }) };
  const result = await tuneSemi(call, output, task);
  if (!result) {
    output.note(`interrupted; ${out === undefined ? "nothing is kept without --out" : "the same call continues"}`);
    output.result({ network, ...about, interrupted: true }, "interrupted");
    return INTERRUPTED;
  }
  const each = (draw: TunedDraw) => `${draw.iterations} steps`;
  output.result({ network, ...result, ...about }, textOf(network, result, each));
  return 0;
}

/** @throws ConfigError for an unknown method, and for options of the other one */
function methodOf(call: Call): Method {
  const method = call.required("method");
  if (method !== "logistic" && method !== "finetune")
    throw new ConfigError(`eval semi: --method is ${JSON.stringify(method)}, expected logistic or finetune.`);
  const other = method === "logistic" ? "finetune" : "logistic";
  const foreign = Object.keys(optionsOf[other]).find((name) => call.flag(name) || call.text(name) !== undefined);
  if (foreign === undefined) return method;
  throw new ConfigError(`eval semi: --${foreign} goes with --method ${other}. Leave it out, or choose that method.`);
}

function amountOf(call: Call): LabelAmount {
  const perClass = call.integer("per-class", 1);
  const given = call.text("share") !== undefined;
  if (given && perClass !== undefined)
    throw new ConfigError("eval semi: --share and --per-class exclude each other. Leave one out.");
  if (perClass !== undefined) return { perClass };
  if (!given) throw new ConfigError("eval semi: --share or --per-class is missing: how many labels are seen?");
  return { share: shareOption(call, "eval semi", "share") };
}

function lambdasOf(text: string | undefined): readonly number[] {
  if (text === undefined) return LOGISTIC_LAMBDAS;
  const lambdas = text.split(",").map(Number);
  if (lambdas.every((lambda) => lambda > 0 && Number.isFinite(lambda))) return lambdas;
  throw new ConfigError(`eval semi: --lambda is ${JSON.stringify(text)}, expected numbers above 0 such as 0.01,0.1,1.`);
}

function textOf<Draw extends SemiDraw | TunedDraw>(
  network: string,
  { top1, deviation, interval, draws, test }: SemiResult<Draw>,
  each: (draw: Draw) => string,
): string {
  const four = (value: number) => value.toFixed(4);
  return [
    `network ${network}`,
    `top-1 ${four(top1)} (95 % ${four(interval.low)} to ${four(interval.high)}) of ${test} test images, ` +
      `mean of ${draws.length} ${draws.length === 1 ? "draw" : `draws, deviation ${four(deviation!)}`}`,
    ...draws.map((draw) => `${draw.labels} labels, ${each(draw)}: ${four(draw.top1)}`),
  ].join("\n");
}
