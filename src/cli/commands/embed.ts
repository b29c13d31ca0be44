import { writeFileSync } from "node:fs";
import { openSource } from "../../data/source-spec.js";
import { extractFeatures } from "../../eval/features.js";
import { featureWriter } from "../../export/feature-file.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { netOption, strictOption } from "../common-options.js";
import { extractionOptions } from "../labelled-data.js";
import { openModel } from "../model.js";
import { expectWritable } from "../output-file.js";

export const embed: Command = {
  name: "embed",
  summary: "write the features of images to a file",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "images; labels are not needed" },
    out: { value: "FILE", about: ".npy (float32 [N, F]), .csv or .parquet (path, label, features)" },
    net: netOption,
    "unit-length": { about: "scale each feature to length 1" },
    strict: strictOption,
  },
  examples: [
    "poa embed runs/photos --data photos/ --out features.npy",
    "poa embed runs/photos --data photos/ --out features.parquet --net small",
    "poa embed 48x2.safetensors --data cifar10:DIR#test --out features.csv",
  ],
  async run(call, output) {
    const out = call.required("out");
    const write = featureWriter(out);
    expectWritable("--out", out);
    const source = await openSource(call.required("data"));
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const { features, indices, labels } = await extractFeatures(source, encoder, {
      ...extractionOptions(call, output, "embed"),
      normalize: call.flag("unit-length"),
    });
    const [count, dim] = features.shape;
    const table = {
      features: features.toArray() as Float32Array,
      dim,
      paths: Array.from(indices, (i) => source.path(i)),
      labels: source.labels && Array.from(labels, (label) => source.classes[label]),
    };
    writeFileSync(out, await write(table));
    output.result(
      { count, dim, network, file: out },
      `${out}: ${count} features of ${dim} numbers (network ${network})`,
    );
    return 0;
  },
};
