import { step } from "../../src/autograd/tape.js";
import { importState } from "../../src/export/import-state.js";
import type { Family } from "../../src/export/names.js";
import type { StoredTensor } from "../../src/formats/safetensors.js";
import { toFloat32 } from "../../src/formats/safetensors.js";
import { buildEncoder } from "../../src/models/encoder.js";
import { linear } from "../../src/ops/linear.js";
import { fromArray } from "../../src/tensor/create.js";
import type { GoldenCase, GoldenTensor } from "./case.js";
import { Comparison } from "./compare.js";

/** Tensors of a case that are no parameters, and classifiers. */
const NOT_OF_BACKBONE = /^(in|out|out64|grad|grad64|after)\.|^(heads\.head|head|fc)\./;

/** A torchvision network, imported by its names, gives torchvision's logits: torchvision_*. */
export function runTorchvision(golden: GoldenCase): Comparison {
  const comparison = new Comparison();
  const family = golden.entry.name.replace("torchvision_", "") as Family;
  const { spec, state } = importState(parametersOf(golden), golden.entry.name, {
    family,
    names: "torchvision",
    headDim: family === "vit" ? golden.entry.config.hidden_dim / golden.entry.config.num_heads : undefined,
    imageSize: golden.get("in.x").shape[2],
  });
  const values = new Map([...state].map(([name, x]) => [name, { shape: x.shape, data: toFloat32(x) }]));
  const { backbone } = buildEncoder(spec, values);
  const { weight, bias } = classifier(golden, { vit: "heads.head", swin: "head", resnet: "fc" }[family]);
  step(() => {
    const { classToken } = backbone.forward(tensor(golden.get("in.x")));
    const logits = linear(classToken, weight, bias);
    comparison.close("out.eval", logits.toArray(), golden.get("out.eval"), golden.entry.tolerance!.out);
    comparison.close("out64.eval", logits.toArray(), golden.get("out64.eval"), golden.entry.tolerance!.out);
  });
  return comparison;
}

/** What a torchvision checkpoint holds, apart from its classifier. */
export function parametersOf(golden: GoldenCase): Map<string, StoredTensor> {
  const parameters = [...golden.tensors].filter(([name]) => !NOT_OF_BACKBONE.test(name));
  return new Map(parameters.map(([name, { shape, data }]) => [name, { dtype: "F64", shape, data }]));
}

function classifier(golden: GoldenCase, name: string) {
  return { weight: tensor(golden.get(`${name}.weight`)), bias: tensor(golden.get(`${name}.bias`)) };
}

function tensor({ data, shape }: GoldenTensor) {
  return fromArray(data, shape);
}
