import { writeFileSync } from "node:fs";
import { openSource } from "../../data/source-spec.js";
import { ConfigError } from "../../errors.js";
import { extractFeatures } from "../../eval/features.js";
import { writeNpy } from "../../formats/npy.js";
import { init } from "../../runtime/context.js";
import type { Command } from "../command.js";
import { openModel } from "../model.js";
import { expectWritable } from "../output-file.js";
import { extractionOptions } from "./eval-knn.js";

export const embed: Command = {
  name: "embed",
  summary: "write the features of images to a file",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "images; labels are not needed" },
    out: { value: "FILE", about: ".npy (float32 [N, F]) or .csv (path, features)" },
    net: { value: "NAME", about: "sub-network of a run", fallback: "full" },
    "unit-length": { about: "scale each feature to length 1" },
    strict: { about: "stop at the first broken image" },
  },
  examples: [
    "poa embed runs/photos --data photos/ --out features.npy",
    "poa embed 48x2.safetensors --data cifar10:DIR#test --out features.csv",
  ],
  async run(call, output) {
    const out = call.required("out");
    const format = /\.(npy|csv)$/.exec(out)?.[1];
    if (!format) throw new ConfigError(`embed: --out ${out} must end in .npy or .csv.`);
    expectWritable("--out", out);
    const source = await openSource(call.required("data"));
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const { features, indices } = await extractFeatures(source, encoder, {
      ...extractionOptions(call, output, "embed"),
      normalize: call.flag("unit-length"),
    });
    const [count, dim] = features.shape;
    const values = features.toArray() as Float32Array;
    const row = (i: number) => [quoted(source.path(indices[i])), ...values.subarray(i * dim, (i + 1) * dim)].join(",");
    const content =
      format === "npy"
        ? writeNpy(values, [count, dim])
        : `${Array.from({ length: count }, (_, i) => row(i)).join("\n")}\n`;
    writeFileSync(out, content);
    output.result(
      { count, dim, network, file: out },
      `${out}: ${count} features of ${dim} numbers (network ${network})`,
    );
    return 0;
  },
};

/** A text as a field of a CSV file (RFC 4180). */
function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
