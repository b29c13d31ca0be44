import { step } from "../../src/autograd/tape.js";
import { importState } from "../../src/export/import-state.js";
import type { Family } from "../../src/export/names.js";
import { type StoredTensor, toFloat32 } from "../../src/formats/safetensors.js";
import type { Backbone } from "../../src/models/backbone.js";
import { buildEncoder } from "../../src/models/encoder.js";
import { linear } from "../../src/ops/linear.js";
import type { GoldenCase } from "./case.js";
import { Comparison } from "./compare.js";
import { tensor } from "./passes.js";

const CLASSIFIERS: Readonly<Record<Family, string>> = { vit: "heads.head", swin: "head", resnet: "fc" };

/** A torchvision network, imported by its names, gives torchvision's logits: torchvision_*. */
export function runTorchvision(golden: GoldenCase): Comparison {
  const comparison = new Comparison();
  const network = importedNetwork(golden);
  const { weight, bias } = classifierOf(golden);
  step(() => {
    const logits = linear(network.classToken(tensor(golden.get("in.x"))), weight, bias).toArray();
    comparison.close("out.eval", logits, golden.get("out.eval"), golden.entry.tolerance!.out);
    comparison.close("out64.eval", logits, golden.get("out64.eval"), golden.entry.tolerance!.out);
  });
  return comparison;
}

/** The network of a case, frozen, through the import of checkpoints. */
export function importedNetwork(golden: GoldenCase): Backbone {
  const { name, config } = golden.entry;
  const family = familyOf(golden);
  const tensors = [...golden.tensors].filter(([path]) => !/^(in|out|out64|grad|grad64|after)\./.test(path));
  const { spec, state } = importState(
    new Map(tensors.map(([path, { shape, data }]): [string, StoredTensor] => [path, { dtype: "F64", shape, data }])),
    name,
    {
      family,
      names: "torchvision",
      headDim: config.hidden_dim / config.num_heads,
      imageSize: golden.get("in.x").shape[2],
      ignore: [`${CLASSIFIERS[family]}.*`],
    },
  );
  const values = [...state].map(([path, x]) => [path, { shape: x.shape, data: toFloat32(x) }] as const);
  return buildEncoder(spec, new Map(values)).backbone;
}

/** The classifier of a case, which stands behind its network. */
export function classifierOf(golden: GoldenCase) {
  const name = CLASSIFIERS[familyOf(golden)];
  return { weight: tensor(golden.get(`${name}.weight`)), bias: tensor(golden.get(`${name}.bias`)) };
}

function familyOf({ entry }: GoldenCase): Family {
  return entry.name.replace("torchvision_", "") as Family;
}
