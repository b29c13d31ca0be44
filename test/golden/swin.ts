import { step } from "../../src/autograd/tape.js";
import { fromOfficial } from "../../src/export/names.js";
import { SwinTransformer } from "../../src/models/swin.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradientOf } from "../support/gradient.js";
import { type GoldenCase, type GoldenTensor, ourNames } from "./case.js";
import { Comparison } from "./compare.js";
import { comparePasses, tensor } from "./passes.js";

/** Parameters without the lists of offsets, which the window gives. */
const trained = (params: Map<string, GoldenTensor>) =>
  new Map([...params].filter(([name]) => !name.endsWith("relative_position_index")));

/** The full network of a swin case with the case's parameters. */
export function swinOf({ entry: { config }, params }: GoldenCase): SwinTransformer {
  const model = new SwinTransformer({
    patchSize: config.patch_size,
    channels: params.get("patch_embed.proj.weight")?.shape[1],
    width: config.max_embed_dim,
    depths: config.max_depths,
    headDim: config.head_dim,
    windowSize: config.window_size,
    qkvBias: config.qkv_bias,
    patchScale: config.ibot_scale_factor,
    rng: new Rng(0),
  });
  model.loadStateDict(ourNames(trained(params)));
  return model;
}

/** Forward and backward of an elastic Swin: swin_full, swin_sub_*, swin_local_crop_sub. */
export function runSwin(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const model = swinOf(golden);
  const network = model.slice({ width: config.width, depth: config.s3_depth });
  comparePasses(comparison, golden, network);
  const parameters = new Map(model.namedParameters());
  for (const official of trained(golden.params).keys()) {
    const actual = gradientOf(parameters.get(fromOfficial(official))!);
    const expected = golden.tensors.get(`grad.${official}`);
    if (expected) comparison.close(`grad.${official}`, actual, expected, tolerance!.grad);
    else comparison.zero(`grad.${official}`, actual);
  }
  return comparison;
}

/** The four stages for a linear probe, evaluation feature: swin_intermediate_sub. */
export function runSwinIntermediate(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const network = swinOf(golden).slice({ width: config.width, depth: config.s3_depth });
  const compare = (name: string, actual: Tensor) =>
    comparison.close(name, actual.toArray(), golden.get(name), tolerance!.out);
  step(() => {
    const x = tensor(golden.get("in.x"));
    network.intermediate(x, [0, 1, 2, 3]).forEach(({ classToken, patchTokens }, i) => {
      compare(`out.n4.${i}.cls`, classToken);
      compare(`out.n4.${i}.patch`, patchTokens);
    });
    compare("out.head", network.forward(x).classToken);
  });
  return comparison;
}
