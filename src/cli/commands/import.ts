import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { ConfigError } from "../../errors.js";
import { writeEncoder } from "../../export/encoder-file.js";
import { importEncoder } from "../../export/import-encoder.js";
import { families } from "../../export/names.js";
import { allNames, type Names } from "../../export/namings.js";
import { subEncoder } from "../../export/sub-encoder.js";
import type { Encoder } from "../../models/encoder.js";
import { networkName } from "../../models/encoder-spec.js";
import { sizeOfNetwork } from "../../models/size.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { makeFolder } from "../output-file.js";

export const importCommand: Command = {
  name: "import",
  summary: "turn a published checkpoint (.safetensors, .pth) into an encoder file",
  operands: ["FILE"],
  options: {
    arch: { value: "vit|swin|resnet", about: "what it holds" },
    names: { value: "official|timm|torchvision", about: "whose parameter names it has", fallback: "official" },
    out: { value: "DIR", about: "folder for the encoder" },
    net: { value: "NAME", about: "sub-network of a full POA checkpoint: 96x4, small, full", fallback: "full" },
    ignore: { value: "LIST", about: "tensors that may be left over, as in 'head.*,fc.*'; others are an error" },
    "head-dim": { value: "N", about: "channels of an attention head of a ViT, where its width is unusual" },
    "image-size": {
      value: "N",
      about: "side of its images; a ViT's positions are resized (default its own, else 224)",
    },
    groups: { value: "N", about: "groups of a ResNet's group normalisation (default 32)" },
    mean: { value: "LIST", about: "means of the channels, of values from 0 to 1 (default those of ImageNet)" },
    std: { value: "LIST", about: "standard deviations of the channels" },
    overwrite: { about: "replace an encoder of that name" },
  },
  examples: [
    "poa import teacher_checkpoint.pth --arch vit --out encoders --net small",
    "poa import vit_b_16.pth --arch vit --names torchvision --ignore 'heads.*' --out encoders",
  ],
  async run(call, output) {
    const [file, out] = [call.operands[0], call.required("out")];
    const family = oneOf(call, "arch", families);
    const names = oneOf(call, "names", allNames);
    const options = { family, names, ...contentOptions(call) };
    await init({ threads: call.threads, simd: call.simd });
    const { encoder: full, matched, filled, ignored, leftOut } = importEncoder(file, options);
    const encoder = partOf(full, call.required("net"), names);
    const network = networkName(encoder.spec);
    const stem = basename(file, extname(file));
    const path = join(out, `${encoder === full ? stem : `${stem}_${network}`}.safetensors`);
    if (existsSync(path) && !call.flag("overwrite"))
      throw new ConfigError(`import: ${path} is there already. Name another --out, or give --overwrite.`);
    makeFolder(out);
    writeEncoder(path, encoder, { importedFrom: basename(file), names, network });
    if (family === "swin" && names === "official" && leftOut.length === 0) output.warn(EXTRACTED_SWIN);
    const { params } = sizeOfNetwork(encoder.backbone, encoder.spec.imageSize);
    output.result(
      { file: path, network, params, matched, missing: filled, unexpected: ignored, leftOut },
      [
        `${path}: ${family} ${network}, ${params} parameters`,
        `${matched} tensors matched`,
        ...listed("not in the file, and not needed for features", filled),
        ...listed("left over, as --ignore allows", ignored),
        ...listed("beside the backbone, left out", leftOut),
      ].join("\n"),
    );
    return 0;
  },
};

const LISTED = 8;
const EXTRACTED_SWIN =
  "if this Swin was extracted by the published tool from a wider or deeper one, it does not compute what it did in place; import the full checkpoint with --net instead (docs/checkpoints.md).";

/** Names under a heading; of many the first. */
function listed(heading: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const rest = names.length > LISTED ? `, ... (${names.length} tensors)` : "";
  return [`${heading}: ${names.slice(0, LISTED).join(", ")}${rest}`];
}

function oneOf<T extends string>(call: Call, name: string, known: readonly T[]): T {
  const given = call.required(name);
  const found = known.find((word) => word === given);
  if (found) return found;
  throw new ConfigError(`import: --${name} is ${JSON.stringify(given)}, expected ${known.join(", ")}.`);
}

/** What the shapes of the file do not tell. */
function contentOptions(call: Call) {
  return {
    ignore: call.text("ignore")?.split(",") ?? [],
    headDim: call.integer("head-dim", 1),
    imageSize: call.integer("image-size", 1),
    groups: call.integer("groups", 1),
    mean: numbers(call, "mean", Number.NEGATIVE_INFINITY),
    std: numbers(call, "std", Number.MIN_VALUE),
  };
}

function numbers(call: Call, name: string, min: number): number[] | undefined {
  const text = call.text(name);
  if (text === undefined) return undefined;
  const values = text.split(",").map(Number);
  if (!values.every((value) => Number.isFinite(value) && value >= min))
    throw new ConfigError(`import: --${name} is ${JSON.stringify(text)}, expected numbers such as 0.5,0.5,0.5.`);
  return values;
}

/** The encoder itself, or a dense part of it. */
function partOf(full: Encoder, net: string, names: Names): Encoder {
  if (net === "full") return full;
  if (names !== "official") throw new ConfigError(`import: --net ${net}: only POA checkpoints hold sub-networks.`);
  return subEncoder(full, net);
}
