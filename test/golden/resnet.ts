import { backward, step } from "../../src/autograd/tape.js";
import { stockResnet } from "../../src/export/naming/resnet.js";
import { ResNet } from "../../src/models/resnet.js";
import { multiply } from "../../src/ops/elementwise.js";
import { linear } from "../../src/ops/linear.js";
import { sum } from "../../src/ops/reduce.js";
import { Rng } from "../../src/tensor/random.js";
import { gradientOf } from "../support/gradient.js";
import { type GoldenCase, type GoldenTensor, ourNames } from "./case.js";
import { Comparison } from "./compare.js";
import { compareGradients, comparePasses, tensor } from "./passes.js";
import { classifierOf, importedNetwork, runTorchvision } from "./stock.js";

// biome-ignore lint/suspicious/noExplicitAny: the manifest's configurations differ by case
type Config = any;

/** The full network of a resnet case with the case's parameters. */
function resnetOf(config: Config, params: Map<string, GoldenTensor>): ResNet {
  const model = new ResNet({
    channels: params.get("conv1.weight")?.shape[1],
    stemChannels: config.stem_channels,
    outChannels: 4 * config.base_channels,
    width: 2 * config.base_channels,
    depths: config.max_depths,
    strides: config.strides,
    norm: "group",
    groups: config.num_gn_groups,
    patchScale: config.ibot_scale_factor,
    rng: new Rng(0),
  });
  model.loadStateDict(ourNames(params));
  return model;
}

const partOf = (model: ResNet, config: Config) => model.slice({ width: config.mid_widths[0], depth: config.depths });

/** Forward and backward of an elastic ResNet: resnet_full, resnet_sub_*. */
export function runResnet(golden: GoldenCase): Comparison {
  const { config, zero_grad_params: zero = [] } = golden.entry;
  const comparison = new Comparison();
  const model = resnetOf(config, golden.params);
  const network = partOf(model, config);
  comparePasses(comparison, golden, network);
  compareGradients(comparison, golden, model.namedParameters(), zero, "resnet");
  return comparison;
}

/** Maps of the stages for a linear probe, and the feature that fine-tuning reads: resnet_intermediate_sub. */
export function runResnetIntermediate(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const network = partOf(resnetOf(config, golden.params), config);
  const compare = (name: string, actual: ArrayLike<number>) =>
    comparison.close(name, actual, golden.get(name), tolerance!.out);
  step(() => {
    const x = tensor(golden.get("in.x"));
    const stages = network.intermediate(x, [0, 1, 2, 3]);
    stages.forEach(({ classToken, patchTokens }, i) => {
      compare(`out.n4.${i}.cls`, classToken.toArray());
      compare(`out.n4.${i}.patch`, patchTokens.toArray());
    });
    compare("out.head", network.classToken(x).toArray());
    const means = stages.slice(1).map(({ classToken }) => classToken);
    const images = Array.from({ length: x.shape[0] }, (_, b) =>
      means.flatMap((mean) => [...mean.select(0, b).toArray()]),
    );
    compare("out.multistage", images.flat());
  });
  return comparison;
}

/** A sub-network in place and on its own: resnet_extract_*. */
export function runResnetExtract(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const inPlace = partOf(resnetOf(config, golden.params), config);
  const dense = inPlace.materialize();
  const state = dense.stateDict();
  for (const [name, expected] of golden.under("extracted.")) {
    const own = state.get(fromTorchvision(name));
    if (own) comparison.close(`extracted.${name}`, own.toArray(), expected, { rtol: 2 ** -23 });
    else comparison.fail(`extracted.${name}`, "not in the extracted network");
  }
  step(() => {
    const x = tensor(golden.get("in.x"));
    for (const [network, name] of [
      [inPlace, "out.x_norm_clstoken"],
      [dense, "out.torchvision"],
    ] as const) {
      comparison.close(name, network.classToken(x).toArray(), golden.get(name), tolerance!.out);
    }
  });
  return comparison;
}

/** Our name of a tensor of torchvision's ResNet; that of its classifier is none of ours. */
function fromTorchvision(name: string): string {
  return stockResnet.ours(name) ?? "";
}

/** torchvision's ResNet with batch normalisation, imported by its names, in evaluation and in training: torchvision_resnet. */
export function runTorchvisionResnet(golden: GoldenCase): Comparison {
  const { tolerance } = golden.entry;
  const comparison = runTorchvision(golden);
  const model = importedNetwork(golden).requireGrad(true);
  const { weight, bias } = classifierOf(golden);
  step(() => {
    const trained = linear(model.classToken(tensor(golden.get("in.x"))), weight, bias);
    comparison.close("out.train", trained.toArray(), golden.get("out.train"), tolerance!.out);
    backward(sum(multiply(trained, tensor(golden.get("in.cot.train")))));
  });
  const own = model.stateDict();
  for (const [name, expected] of golden.under("after."))
    comparison.close(`after.${name}`, own.get(fromTorchvision(name))!.toArray(), expected, tolerance!.out);
  for (const [name, expected] of golden.under("grad.")) {
    const x = own.get(fromTorchvision(name));
    if (x) comparison.close(`grad.${name}`, gradientOf(x), expected, tolerance!.grad);
  }
  return comparison;
}
