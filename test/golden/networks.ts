import { backward, step } from "../../src/autograd/tape.js";
import { VisionTransformer } from "../../src/models/vit.js";
import type { DropPath } from "../../src/nn/drop-path.js";
import { add, multiply } from "../../src/ops/elementwise.js";
import { contiguous } from "../../src/ops/layout.js";
import { mean, sum } from "../../src/ops/reduce.js";
import { ProjectionHeads } from "../../src/poa/head.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradientOf } from "../support/gradient.js";
import { type GoldenCase, type GoldenTensor, ourNames } from "./case.js";
import { Comparison } from "./compare.js";
import { compareGradients, comparePasses, tensor } from "./passes.js";

// biome-ignore lint/suspicious/noExplicitAny: the manifest's configurations differ by case
type Config = any;

/** The full network of a vit case with the case's parameters. */
export function vitOf(config: Config, params: Map<string, GoldenTensor>): VisionTransformer {
  const model = new VisionTransformer({
    imageSize: config.img_size,
    patchSize: config.patch_size,
    channels: params.get("patch_embed.proj.weight")?.shape[1],
    width: config.max_embed_dim,
    depth: config.max_depth,
    headDim: config.head_dim,
    layerScale: params.has("blocks.0.ls1.gamma") ? 1 : null,
    qkvBias: config.qkv_bias,
    projBias: config.proj_bias,
    ffnBias: config.ffn_bias,
    dropPathRate: config.drop_path_rate ?? 0,
    rng: new Rng(0),
  });
  model.loadStateDict(ourNames(params));
  return model;
}

/** Forward and backward of an elastic ViT: vit_full, vit_sub_*, vit_local_crop_*, vit_stochastic_depth. */
export function runVit(golden: GoldenCase): Comparison {
  const { config, zero_grad_params: zero = [] } = golden.entry;
  const comparison = new Comparison();
  const model = vitOf(config, golden.params);
  const network = model.slice({ width: config.width, depth: config.depth });
  comparePasses(comparison, golden, network, scriptedDropPath(golden));
  compareGradients(comparison, golden, model.namedParameters(), zero);
  return comparison;
}

/** Residual call number i computes the batch rows that the file scripts for it. */
function scriptedDropPath(golden: GoldenCase): DropPath {
  if (!golden.tensors.has("in.perm.0")) return null;
  let call = 0;
  return (batch, rate) => {
    const subset = Math.max(Math.floor(batch * (1 - rate)), 1);
    const permutation = golden.get(`in.perm.${call++}`).data;
    return { rows: Int32Array.from(permutation.subarray(0, subset)), scale: batch / subset };
  };
}

/** Intermediate layers for a linear probe, evaluation feature, mean pooling: vit_intermediate_*. */
export function runIntermediate(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const network = vitOf(config, golden.params).slice({ width: config.width, depth: config.depth });
  const compare = (name: string, actual: Tensor) =>
    comparison.close(name, actual.toArray(), golden.get(name), tolerance!.out);
  step(() => {
    const x = tensor(golden.get("in.x"));
    const taken = { n1: [config.depth - 1], n4: config.taken_positions as number[] };
    for (const [n, positions] of Object.entries(taken)) {
      network.intermediate(x, positions).forEach(({ classToken, patchTokens }, i) => {
        compare(`out.${n}.${i}.cls`, classToken);
        compare(`out.${n}.${i}.patch`, patchTokens);
      });
    }
    const { classToken, prenorm } = network.forward(x);
    compare("out.head", classToken);
    compare("out.mean_pooling", network.norm.forward(meanTokens(prenorm)));
  });
  return comparison;
}

/** Mean over patch tokens [B, 1 + N, w] to [B, w]. */
function meanTokens(tokens: Tensor): Tensor {
  const [batch, count, width] = tokens.shape;
  const means = Array.from({ length: batch * width }, (_, i) => {
    const channel = tokens
      .select(0, Math.floor(i / width))
      .narrow(0, 1, count - 1)
      .select(1, i % width);
    return mean(contiguous(channel)).item();
  });
  return fromArray(means, [batch, width]);
}

/** The stand-alone network of an extraction: vit_extract_*. */
export function runExtract(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const inPlace = vitOf(config, golden.params).slice({ width: config.width, depth: config.depth });
  const dense = inPlace.materialize();
  const rounding = { rtol: 2 ** -23 };
  const state = dense.stateDict();
  for (const [name, expected] of golden.under("extracted.")) {
    const own = state.get(name);
    if (own) comparison.close(`extracted.${name}`, own.toArray(), expected, rounding);
    else comparison.fail(`extracted.${name}`, "not in the extracted network");
  }
  step(() => {
    const x = tensor(golden.get("in.x"));
    const masks = golden.tensors.has("in.masks") ? tensor(golden.get("in.masks"), "i32") : null;
    const features = inPlace.forward(x, { masks });
    comparison.close("in place", features.classToken.toArray(), golden.get("out.x_norm_clstoken"), tolerance!.out);
    comparison.close("in place", features.patchTokens.toArray(), golden.get("out.x_norm_patchtokens"), tolerance!.out);
    const stand = dense.forward(x, { masks });
    comparison.close(
      "extracted",
      stand.classToken.toArray(),
      golden.get("out.extracted.x_norm_clstoken"),
      tolerance!.out,
    );
  });
  return comparison;
}

/** Multi projection head at one input width: head_in*. */
export function runHead(golden: GoldenCase): Comparison {
  const { config, tolerance } = golden.entry;
  const comparison = new Comparison();
  const heads = new ProjectionHeads({
    inFeatures: config.max_in_dim,
    prototypes: config.out_dims,
    hidden: config.hidden_dim,
    bottleneck: config.bottleneck_dim,
    layers: config.nlayers,
    rng: new Rng(0),
  });
  heads.loadStateDict(ourNames(golden.params));
  let gradient: ArrayLike<number> = [];
  step(() => {
    const x = tensor(golden.get("in.x"));
    x.storage.tracked = true;
    const logits = heads.slice(config.in_dim).forward(x);
    logits.forEach((l, h) => {
      comparison.close(`out.${h}`, l.toArray(), golden.get(`out.${h}`), tolerance!.out);
    });
    const terms = logits.map((l, h) => sum(multiply(l, tensor(golden.get(`in.cot.${h}`)))));
    backward(terms.reduce((a, b) => add(a, b)));
    gradient = gradientOf(x);
  });
  if (golden.tensors.has("grad.in.x"))
    comparison.close("grad.in.x", gradient, golden.get("grad.in.x"), tolerance!.grad);
  compareGradients(comparison, golden, heads.namedParameters(), golden.entry.zero_grad_params ?? []);
  return comparison;
}
