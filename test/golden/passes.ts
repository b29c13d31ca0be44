import { backward, step } from "../../src/autograd/tape.js";
import { toOfficial } from "../../src/export/names.js";
import type { Backbone } from "../../src/models/backbone.js";
import type { DropPath } from "../../src/nn/drop-path.js";
import { add, multiply } from "../../src/ops/elementwise.js";
import { contiguous } from "../../src/ops/layout.js";
import { sum } from "../../src/ops/reduce.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradientOf } from "../support/gradient.js";
import type { GoldenCase, GoldenTensor } from "./case.js";
import type { Comparison } from "./compare.js";

export const tensor = ({ data, shape }: GoldenTensor, dtype: "f32" | "i32" = "f32") => fromArray(data, shape, dtype);

/** Outputs of a network for the case's images and masks, and the gradient of the images; parameters receive theirs. */
export function comparePasses(
  comparison: Comparison,
  golden: GoldenCase,
  network: Backbone,
  dropPath: DropPath = null,
): void {
  const { outputs = [], tolerance } = golden.entry;
  step(() => {
    const x = tensor(golden.get("in.x"));
    x.storage.tracked = golden.tensors.has("grad.in.x");
    const masks = golden.tensors.has("in.masks") ? tensor(golden.get("in.masks"), "i32") : null;
    const features = network.forward(x, { masks, dropPath });
    const named: Record<string, Tensor> = {
      x_norm_clstoken: features.classToken,
      x_norm_patchtokens: features.patchTokens,
      x_prenorm: features.prenorm,
    };
    for (const name of outputs)
      comparison.close(`out.${name}`, named[name].toArray(), golden.get(`out.${name}`), tolerance!.out);
    const terms = outputs.map((name) => sum(multiply(contiguous(named[name]), tensor(golden.get(`in.cot.${name}`)))));
    backward(terms.reduce((a, b) => add(a, b)));
    if (x.tracked) comparison.close("grad.in.x", gradientOf(x), golden.get("grad.in.x"), tolerance!.grad);
  });
}

export function compareGradients(
  comparison: Comparison,
  golden: GoldenCase,
  parameters: [string, Tensor][],
  zero: readonly string[],
  family?: "resnet",
): void {
  for (const [name, x] of parameters) {
    const official = toOfficial(name, family);
    const expected = golden.tensors.get(`grad.${official}`);
    const actual = gradientOf(x);
    if (expected) comparison.close(`grad.${official}`, actual, expected, golden.entry.tolerance!.grad);
    else comparison.zero(`grad.${official}`, actual);
    if (zero.includes(official)) comparison.zero(`grad.${official}`, actual);
  }
}
