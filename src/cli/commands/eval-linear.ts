import type { ImageSource } from "../../data/dataset.js";
import { openSource } from "../../data/source-spec.js";
import { ConfigError, DataError } from "../../errors.js";
import { LinearEvaluation, type LinearResult, type LinearSources } from "../../eval/linear-evaluation.js";
import { PROBE_LEARNING_RATES } from "../../eval/linear-probe.js";
import { type ProbeReport, probePlan } from "../../eval/probe-training.js";
import { holdOut } from "../../eval/stratified.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { iterationsOption, netOption, strictOption, testOption } from "../common-options.js";
import { INTERRUPTED, interruptible } from "../interrupt.js";
import { extractionOptions, openBankAndQueries, shareOption } from "../labelled-data.js";
import { type OpenModel, openModel } from "../model.js";
import { formatDuration, formatTable, type Output } from "../output.js";
import { ProbeFolder, weightsDigest } from "../probe-folder.js";

const PURPOSES = { fit: "training images", selection: "validation images", test: "test images" } as const;

export const evalLinear: Command = {
  name: "eval linear",
  summary: "accuracy of linear classifiers on the features of a frozen encoder",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "labelled images; without #split, train to learn from and test to judge on" },
    test: testOption,
    val: { value: "SPEC", about: "images to choose the classifier on, instead of a part of the training images" },
    "val-share": { value: "SHARE", about: "share of the training images held back to choose on", fallback: "0.1" },
    select: {
      value: "val|test",
      about: "where the best of the grid is chosen; the published code: test",
      fallback: "val",
    },
    net: netOption,
    cached: { about: "read each training image once, uncropped: faster, no augmentation" },
    epochs: { value: "N", about: "passes over the training images (default 20, within 2000 to 12500 steps)" },
    iterations: iterationsOption,
    "batch-size": { value: "N", about: "images per step", fallback: "256" },
    "learning-rates": { value: "LIST", about: "another grid, for batches of 256 (default 13 from 1e-5 to 0.1)" },
    seed: { value: "N", about: "of hold-out, initial weights, order and crops", fallback: "0" },
    out: { value: "DIR", about: "keep state, classifier and result there; the same call continues" },
    "save-every": { value: "SECONDS", about: "time between two saved states", fallback: "60" },
    overwrite: { about: "begin anew if --out holds a probe" },
    strict: strictOption,
  },
  examples: [
    "poa eval linear runs/digits --data mnist --cached",
    "poa eval linear runs/cifar --data cifar10:DIR --net 48x2 --epochs 50 --out probes/48x2 --json",
  ],
  async run(call, output) {
    const sources = await openSources(call);
    const plan = planOf(call, sources.fit.length);
    await init({ threads: call.threads, simd: call.simd });
    const model = await openModel(call.operands[0], call.text("net"));
    const folder = openFolder(call, { model, sources, plan });
    try {
      return await evaluate(call, output, { model, sources, plan, folder });
    } finally {
      folder?.unlock();
    }
  },
};

/** What is evaluated, and where it is kept. */
interface LinearTask {
  readonly model: OpenModel;
  readonly sources: LinearSources;
  readonly plan: ReturnType<typeof planOf>;
  readonly folder: ProbeFolder | undefined;
}

/** Trains what is left of the probe, chooses and judges. @returns the exit code */
async function evaluate(call: Call, output: Output, { model, sources, plan, folder }: LinearTask): Promise<number> {
  const saved = folder?.load() ?? null;
  const evaluation = await LinearEvaluation.prepare(model.encoder, sources, {
    ...plan,
    extraction: (purpose) => extractionOptions(call, output, PURPOSES[purpose]),
    strict: call.flag("strict"),
  });
  try {
    const { probe } = evaluation;
    if (saved) probe.loadStateDict(saved.tensors, saved.iteration);
    if (saved) output.note(`continuing at step ${saved.iteration} of ${plan.iterations}`);
    const train = (signal: AbortSignal) =>
      evaluation.train({
        signal,
        onStep: stepReporter(output, { ...plan, start: probe.iteration }),
        save: folder && (() => folder.save(probe)),
        saveEverySeconds: call.integer("save-every", 1),
      });
    const finished = await interruptible(output, () => folder?.unlock(), train);
    if (!finished) return interrupted(output, { network: model.network, iterations: probe.iteration, folder });
    const result = evaluation.judge();
    warnAtEdge(output, result.chosen.learningRate, plan.learningRates);
    const fields = fieldsOf(result, { network: model.network, train: sources.fit.length, ...plan });
    folder?.finish(fields, result.chosen, sources.fit.classes);
    output.result(fields, textOf(model.network, result));
    return 0;
  } finally {
    evaluation.dispose();
  }
}

/** Images to learn from, to choose on and to judge on. */
async function openSources(call: Call): Promise<LinearSources> {
  const select = call.required("select");
  if (select !== "val" && select !== "test")
    throw new ConfigError(`eval linear: --select is ${JSON.stringify(select)}, expected val or test.`);
  const share = shareOption(call, "eval linear", "val-share");
  const val = call.text("val");
  const data = call.required("data");
  const { bank, queries } = await openBankAndQueries("eval linear", { data, test: call.text("test") });
  if (select === "test") {
    if (val !== undefined)
      throw new ConfigError(
        "eval linear: --val names images to choose on, but --select test chooses on the test images.",
      );
    return { fit: bank, selection: null, test: queries };
  }
  if (val !== undefined) return { fit: bank, selection: await openValidation(val, bank), test: queries };
  const [fit, selection] = holdOut(bank, share, call.integer("seed")!);
  return { fit, selection, test: queries };
}

async function openValidation(spec: string, bank: ImageSource): Promise<ImageSource> {
  const source = await openSource(spec);
  if (source.labels && source.classes.join("\n") === bank.classes.join("\n")) return source;
  throw new DataError(`eval linear: the classes of --val ${spec} are not those of ${bank.name}.`);
}

/** What the weights of the probe depend on besides model and images. */
function planOf(call: Call, images: number) {
  const [epochs, iterations] = [call.integer("epochs", 1), call.integer("iterations", 1)];
  if (epochs !== undefined && iterations !== undefined)
    throw new ConfigError("eval linear: --epochs and --iterations exclude each other. Leave one out.");
  const plan = probePlan(images, { batchSize: call.integer("batch-size", 1), epochs, iterations });
  const learningRates = learningRatesOf(call.text("learning-rates"));
  return { ...plan, learningRates, cached: call.flag("cached"), seed: call.integer("seed")! };
}

function learningRatesOf(text: string | undefined): readonly number[] {
  if (text === undefined) return PROBE_LEARNING_RATES;
  const rates = [...new Set(text.split(",").map(Number))].sort((a, b) => a - b);
  if (rates.every((rate) => rate > 0 && Number.isFinite(rate))) return rates;
  throw new ConfigError(
    `eval linear: --learning-rates is ${JSON.stringify(text)}, expected numbers above 0 such as 0.01,0.1,1.`,
  );
}

function openFolder(call: Call, { model, sources, plan }: Omit<LinearTask, "folder">): ProbeFolder | undefined {
  const out = call.text("out");
  if (out === undefined) return undefined;
  const settings = {
    ...{ network: model.network, weights: weightsDigest(model.encoder), images: sources.fit.fingerprint() },
    ...{ ...plan, learningRates: plan.learningRates.join(), simd: call.simd },
  };
  return new ProbeFolder(out, settings, { overwrite: call.flag("overwrite") });
}

/** A best value at an end of the range may have a better one beyond. */
function warnAtEdge(output: Output, best: number, rates: readonly number[]): void {
  const [low, high] = [rates[0], rates[rates.length - 1]];
  if (low === high || (best !== low && best !== high)) return;
  const side = best === low ? "smallest" : "largest";
  output.note(`the best learning rate, ${best}, is the ${side} of the grid; --learning-rates looks beyond`);
}

function stepReporter(
  output: Output,
  { iterations, batchSize, start }: { iterations: number; batchSize: number; start: number },
): (report: ProbeReport) => void {
  const begun = performance.now();
  return ({ iteration, loss }) => {
    output.event("step", { iteration, loss });
    const done = iteration + 1;
    const line = () => {
      const secondsPerStep = (performance.now() - begun) / 1000 / (done - start);
      return (
        `[${done}/${iterations}] eta ${formatDuration(secondsPerStep * (iterations - done))}  ` +
        `loss ${loss.toFixed(4)} (mean of the grid)  ${(batchSize / secondsPerStep).toFixed(0)} images/s`
      );
    };
    output.progress(line, { final: done === iterations });
  };
}

function interrupted(
  output: Output,
  { network, iterations, folder }: { network: string; iterations: number; folder: ProbeFolder | undefined },
): number {
  const then = folder ? `the same call continues from ${folder.path}` : "nothing is kept without --out";
  output.note(`interrupted after step ${iterations}; ${then}`);
  output.result({ network, iterations, interrupted: true, ...(folder && { out: folder.path }) }, "interrupted");
  return INTERRUPTED;
}

function fieldsOf(
  { chosen, interval, classifiers, images }: LinearResult,
  about: { network: string; train: number; batchSize: number; iterations: number; cached: boolean; seed: number },
) {
  const { layers, pooled, learningRate, selectionTop1, top1 } = chosen;
  return {
    ...{ network: about.network, top1, interval },
    classifier: { layers, pooled, learningRate, selectionTop1 },
    select: selectionTop1 === null ? "test" : "val",
    classifiers,
    images: { train: about.train, ...images },
    ...{ iterations: about.iterations, batchSize: about.batchSize, cached: about.cached, seed: about.seed },
  };
}

/** The figure, and the best classifier of each kind of input. */
function textOf(network: string, { chosen, interval, classifiers, images }: LinearResult): string {
  const four = (value: number | null) => (value === null ? "-" : value.toFixed(4));
  const deciding = (score: (typeof classifiers)[number]) => score.selectionTop1 ?? score.top1;
  const best = [...new Set(classifiers.map(inputName))].map((name) => {
    const ofKind = classifiers.filter((score) => inputName(score) === name);
    const first = ofKind.reduce((a, b) => (deciding(b) > deciding(a) ? b : a));
    return [name, String(first.learningRate), four(first.selectionTop1), four(first.top1)];
  });
  const where = chosen.selectionTop1 === null ? "the test images themselves" : `${images.selection} other images`;
  return [
    `network ${network}`,
    `top-1 ${four(chosen.top1)} (95 % ${four(interval.low)} to ${four(interval.high)}) of ${images.test} test images`,
    `chosen on ${where}: ${inputName(chosen)}, learning rate ${chosen.learningRate}`,
    "",
    formatTable([["best of each input", "lr", "val", "test"], ...best]),
  ].join("\n");
}

function inputName({ layers, pooled }: { layers: number; pooled: boolean }): string {
  return `${layers} ${layers === 1 ? "layer" : "layers"}${pooled ? " + patch mean" : ""}`;
}
