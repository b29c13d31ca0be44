import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { openSource } from "../../data/source-spec.js";
import { ConfigError } from "../../errors.js";
import { featureValues, largestDifference, patchValues, smallestCosine } from "../../export/compare.js";
import { type BundleDType, bundleDTypes, type ExportDType } from "../../export/dtype.js";
import { encoderBundle } from "../../export/encoder-bundle.js";
import { readEncoder, writeEncoder } from "../../export/encoder-file.js";
import { draftOf } from "../../export/extract.js";
import type { Opset } from "../../export/onnx/graph.js";
import { EMBEDDING, encoderToOnnx, type OnnxOptions, PATCH_TOKENS } from "../../export/onnx/model.js";
import { runOnnx } from "../../export/onnx/run.js";
import type { Encoder } from "../../models/encoder.js";
import type { EncoderSpec } from "../../models/encoder-spec.js";
import { init } from "../../runtime/context.js";
import type { Tensor } from "../../tensor/tensor.js";
import { RunFolder } from "../../train/run-folder.js";
import { classifierFor, classifierOptionNames, classifierOptions } from "../bundle-classifier.js";
import { firstImages, madeUpImages } from "../check-images.js";
import type { Call, Command } from "../command.js";
import { isRun, openModel } from "../model.js";
import type { Output } from "../output.js";
import { expectWritable } from "../output-file.js";
import { version } from "../version.js";

const formats = ["safetensors", "onnx", "edge"] as const;
const opsets = ["17", "20"] as const;

/** Above this, relative to the largest feature if that is more than 1, a file holds another network, not rounding. */
const TOLERANCE: Readonly<Record<ExportDType, number>> = { f32: 1e-4, f16: 1e-2 };
/** The same for bundles, which the same kernels compute from. */
const BUNDLE_TOLERANCE: typeof TOLERANCE = { f32: 1e-6, f16: 1e-3 };
/** With weights of eight bits directions are compared, and none may turn further than that. */
const LEAST_COSINE = 0.98;

const onnxOnly = ["opset", "batch", "image-size", "normalize", "include-normalization", "patch-tokens"] as const;

export const exportCommand: Command = {
  name: "export",
  summary: "write an encoder as ONNX, safetensors or edge bundle, compared with the network on images",
  operands: ["MODEL"],
  options: {
    format: { value: "safetensors|onnx|edge", about: "what to write" },
    out: { value: "FILE", about: "the file" },
    net: { value: "NAME", about: "sub-network of a run (default full)" },
    dtype: { value: "f32|f16|int8", about: "of weights; int8, for edge alone, is computed with too", fallback: "f32" },
    data: { value: "SPEC", about: "images to compare on; default those of a run, else noise" },
    opset: { value: "17|20", about: "onnx: operator set; 20 has GELU as one operator (default 17)" },
    batch: { value: "N|dynamic", about: "onnx: images of a call (default dynamic)" },
    "image-size": { value: "N", about: "onnx: side of the images (default that of training)" },
    normalize: { about: "onnx: scale each feature to length 1" },
    "include-normalization": { about: "onnx: take values from 0 to 1 and subtract the mean inside" },
    "patch-tokens": { about: "onnx: a second output, the features of the patches" },
    ...classifierOptions,
  },
  examples: [
    "poa export runs/photos --format onnx --out photos.onnx --net small",
    "poa export 96x4.safetensors --format onnx --out 96x4.onnx --batch 1 --include-normalization --normalize",
    "poa export runs/photos --format edge --dtype f16 --out photos.poa --net small",
    "poa export runs/photos --format edge --dtype int8 --out photos.poa --bank photos",
    "poa export 96x4.safetensors --format safetensors --dtype f16 --out half.safetensors",
  ],
  async run(call, output) {
    const format = oneOf(call, "format", formats);
    const dtype = dtypeOf(call, format);
    const out = call.required("out");
    expectWritable("--out", out);
    const onnx = onnxOptions(call, format, dtype);
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const { imageSize = encoder.spec.imageSize } = onnx;
    const images = await imagesFor(call, { ...encoder.spec, imageSize }, output);
    const draft = draftOf(out);
    try {
      const written: Written =
        format === "onnx"
          ? await writeOnnx(draft, encoder, images, onnx)
          : format === "edge"
            ? await writeBundle(draft, encoder, images, { call, output, dtype })
            : writeOwn(draft, encoder, images, dtype as ExportDType);
      images.dispose();
      return report(output, { file: out, format, network, dtype, ...written });
    } finally {
      rmSync(draft, { force: true });
    }
  },
};

interface Written {
  readonly bytes: number;
  /** Largest difference of a feature from the network's own; null if nobody could compute it. */
  readonly maxAbsDiff: number | null;
  readonly largest: number;
  /** The smallest cosine between a feature and the network's own; of weights of eight bits. */
  readonly cosine?: number;
  /** Classes that `classify` tells apart. */
  readonly classes?: readonly string[];
}

/** Images at the encoder's door to compare on. */
async function imagesFor(call: Call, spec: EncoderSpec, output: Output): Promise<Tensor> {
  const [model] = call.operands;
  const given = call.text("data") ?? (isRun(model) ? RunFolder.infoOf(model).data : undefined);
  if (given === undefined) {
    output.note("compared on noise; name images with --data");
    return madeUpImages(spec);
  }
  return firstImages(await openSource(given), spec, (message) => output.warn(message));
}

/** A file of this library, read back to be compared. */
function writeOwn(out: string, encoder: Encoder, images: Tensor, dtype: ExportDType): Written {
  const dense = { ...encoder, backbone: encoder.backbone.materialize() };
  writeEncoder(out, dense, undefined, dtype);
  dense.backbone.dispose();
  const { cosine: _, ...written } = comparedWith(encoder, images, out);
  return written;
}

/** A bundle, and in it the classifier that is wanted, which sees what the bundle's own weights make of images. */
async function writeBundle(
  out: string,
  encoder: Encoder,
  images: Tensor,
  { call, output, dtype }: { call: Call; output: Output; dtype: BundleDType },
): Promise<Written> {
  const dense = { ...encoder, backbone: encoder.backbone.materialize() };
  writeFileSync(out, encoderBundle(dense, { dtype }));
  const stored = readEncoder(out);
  const classifier = await classifierFor(call, output, { encoder: stored, dtype });
  stored.backbone.dispose();
  if (classifier) writeFileSync(out, encoderBundle(dense, { dtype, classifier }));
  dense.backbone.dispose();
  const { cosine, ...written } = comparedWith(encoder, images, out);
  return { ...written, ...(dtype === "int8" && { cosine }), ...(classifier && { classes: classifier.classes }) };
}

/** A file of this library beside the network that it was made from. */
function comparedWith(encoder: Encoder, images: Tensor, file: string): Written {
  const reread = readEncoder(file);
  const [own, stored] = [encoder, reread].map((network) => featureValues(network, images));
  reread.backbone.dispose();
  return {
    bytes: statSync(file).size,
    maxAbsDiff: largestDifference(own, stored),
    largest: largestOf(own),
    cosine: smallestCosine(own, stored, images.shape[0]),
  };
}

async function writeOnnx(out: string, encoder: Encoder, images: Tensor, options: OnnxOptions): Promise<Written> {
  const file = encoderToOnnx(encoder, options);
  writeFileSync(out, file);
  const { includeNormalization, normalize, batch, patchTokens } = options;
  const own = featureValues(encoder, images, { unitLength: normalize });
  const outputs = await runOnnx(file, {
    data: includeNormalization ? beforeNormalization(images, encoder.spec) : (images.toArray() as Float32Array),
    shape: images.shape,
    ...(typeof batch === "number" && { batch }),
  });
  const patches = patchTokens ? patchValues(encoder, images) : new Float32Array(0);
  const written = { bytes: file.length, largest: Math.max(largestOf(own), largestOf(patches)) };
  if (!outputs) return { ...written, maxAbsDiff: null };
  const ofPatches = largestDifference(patches, outputs.get(PATCH_TOKENS) ?? []);
  return { ...written, maxAbsDiff: Math.max(largestDifference(own, outputs.get(EMBEDDING)!), ofPatches) };
}

/** Values from 0 to 1 of normalised images [B, C, S, S]. */
function beforeNormalization(images: Tensor, { mean, std }: EncoderSpec): Float32Array {
  const [, channels, height, width] = images.shape;
  return (images.toArray() as Float32Array).map((value, i) => {
    const channel = Math.floor(i / (height * width)) % channels;
    return value * std[channel] + mean[channel];
  });
}

function largestOf(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

interface Report extends Written {
  readonly file: string;
  readonly format: string;
  readonly network: string;
  readonly dtype: BundleDType;
}

/** Gives the file its name and tells about it; exit code 1, and no file, if it holds another network than it should. */
function report(output: Output, { largest, ...fields }: Report): number {
  const { file, bytes, maxAbsDiff, network, dtype } = fields;
  if (dtype === "int8") return reportCosine(output, fields);
  const tolerance = (fields.format === "edge" ? BUNDLE_TOLERANCE : TOLERANCE)[dtype] * Math.max(1, largest);
  if (!(maxAbsDiff === null || maxAbsDiff <= tolerance)) {
    output.error(`${file} would differ from the network by ${maxAbsDiff}, more than ${tolerance}, and is not written.`);
    return 1;
  }
  renameSync(draftOf(file), file);
  if (maxAbsDiff === null) output.note(NOT_COMPARED);
  const differs = maxAbsDiff === null ? "not compared" : `differs by at most ${maxAbsDiff.toExponential(1)}`;
  output.result({ ...fields, tolerance }, `${file}: network ${network}, ${bytes} bytes, ${differs}`);
  return 0;
}

/** The same where directions of features are compared. */
function reportCosine(output: Output, fields: Omit<Report, "largest">) {
  const { file, bytes, network, cosine = 0 } = fields;
  const line = `${file}: network ${network}, ${bytes} bytes, cosine to the network's features at least ${cosine.toFixed(6)}`;
  if (!(cosine >= LEAST_COSINE)) {
    output.error(
      `${file}: a feature would have cosine ${cosine} to that of the network, less than ${LEAST_COSINE}; nothing is written.`,
    );
    return 1;
  }
  renameSync(draftOf(file), file);
  output.result({ ...fields, tolerance: LEAST_COSINE }, line);
  return 0;
}

const NOT_COMPARED =
  "the file was not compared with the network: install onnxruntime-web beside poa (npm install onnxruntime-web@1.30.0) for that";

type Format = (typeof formats)[number];

/** @throws ConfigError for weights of eight bits elsewhere than in a bundle, whose reader computes with them */
function dtypeOf(call: Call, format: Format): BundleDType {
  const dtype = oneOf(call, "dtype", bundleDTypes);
  if (dtype === "int8" && format !== "edge")
    throw new ConfigError(`export: --dtype int8 is for --format edge, and the format is ${format}. Use f32 or f16.`);
  return dtype;
}

function onnxOptions(call: Call, format: Format, dtype: BundleDType): OnnxOptions {
  const given = onnxOnly.find((name) => call.flag(name) || call.text(name) !== undefined);
  if (format !== "onnx" && given)
    throw new ConfigError(`export: --${given} is for --format onnx, and the format is ${format}. Leave it out.`);
  const ofEdge = classifierOptionNames.find((name) => call.text(name) !== undefined);
  if (format !== "edge" && ofEdge)
    throw new ConfigError(`export: --${ofEdge} is for --format edge, and the format is ${format}. Leave it out.`);
  return {
    opset: Number(oneOf(call, "opset", opsets, "17")) as Opset,
    batch: call.text("batch") === "dynamic" ? "dynamic" : (call.integer("batch", 1) ?? "dynamic"),
    imageSize: call.integer("image-size", 1),
    normalize: call.flag("normalize"),
    includeNormalization: call.flag("include-normalization"),
    patchTokens: call.flag("patch-tokens"),
    dtype: dtype as ExportDType,
    producerVersion: version,
  };
}

function oneOf<T extends string>(call: Call, name: string, known: readonly T[], fallback?: T): T {
  const given = call.text(name) ?? fallback ?? call.required(name);
  const found = known.find((word) => word === given);
  if (found) return found;
  throw new ConfigError(`export: --${name} is ${JSON.stringify(given)}, expected ${known.join(", ")}.`);
}
