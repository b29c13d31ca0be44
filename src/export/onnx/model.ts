import { step } from "../../autograd/tape.js";
import { ConfigError } from "../../errors.js";
import type { Encoder } from "../../models/encoder.js";
import { type EncoderSpec, networkName } from "../../models/encoder-spec.js";
import type { ResNet } from "../../models/resnet.js";
import type { SwinTransformer } from "../../models/swin.js";
import type { VisionTransformer } from "../../models/vit.js";
import type { ExportDType } from "../dtype.js";
import { encoderMetadata, PREPROCESSING_KEY, preprocessingOf } from "../encoder-metadata.js";
import type { GraphFeatures, GraphOptions } from "./features.js";
import { Graph, type Opset, type Value } from "./graph.js";
import { unitRows } from "./operators.js";
import { resnetFeatures } from "./resnet.js";
import { swinFeatures } from "./swin.js";
import { vitFeatures } from "./vit.js";

/** Name of the input, images [B, C, S, S]. */
export const IMAGES = "images";
/** Name of the class features [B, F]. */
export const EMBEDDING = "embedding";
/** Name of the patch features [B, N, F]. */
export const PATCH_TOKENS = "patch_tokens";

/** What the graph takes and returns, and how its weights are stored. */
export interface OnnxOptions {
  /** Default 17. */
  readonly opset?: Opset;
  /** Images of a call; default "dynamic", any number. */
  readonly batch?: number | "dynamic";
  /** Side of the images in pixels; default that of training. */
  readonly imageSize?: number;
  /** Whether class features have length 1. Default false. */
  readonly normalize?: boolean;
  /** Whether images come with values from 0 to 1 and the file subtracts the mean. Default false: they come normalised. */
  readonly includeNormalization?: boolean;
  /** Whether there is a second output, the features of the patches. Default false. */
  readonly patchTokens?: boolean;
  /** Of weights with two axes or more; computed in f32 all the same. Default f32. */
  readonly dtype?: ExportDType;
  /** Version of the program, for the file's record of its producer. */
  readonly producerVersion?: string;
}

/**
 * An encoder as an ONNX file for images of one size. Metadata hold the spec and what images must go through, under the names
 * of an encoder's file, and `poa.onnx`: what was chosen here.
 *
 * @param encoder  a slice is made dense on the way
 * @throws ConfigError if the network takes no images of that size, or none in a call, or the file would be too large;
 *   NumericError for a weight beyond f16
 */
export function encoderToOnnx(encoder: Encoder, options: OnnxOptions = {}): Uint8Array {
  const { opset = 17, batch = "dynamic", dtype = "f32", normalize = false, includeNormalization = false } = options;
  const { imageSize = encoder.spec.imageSize, patchTokens = false, producerVersion = "" } = options;
  const spec = { ...encoder.spec, imageSize };
  expectSize(spec);
  if (batch !== "dynamic" && !(Number.isInteger(batch) && batch > 0))
    throw new ConfigError(`onnx: the batch is ${batch}, expected a whole number from 1 on or "dynamic".`);
  const g = new Graph({ opset, dtype });
  const rows = batch === "dynamic" ? "batch" : batch;
  const images = g.input(IMAGES, [rows, spec.channels, imageSize, imageSize]);
  const prepared = includeNormalization ? normalized(g, images, spec) : images;
  const { featureDim } = encoder.backbone;
  const backbone = encoder.backbone.materialize();
  const features = step(() => featuresOf(g, prepared, { backbone, spec }, { side: imageSize, patchTokens }));
  backbone.dispose();
  g.output(EMBEDDING, normalize ? unitRows(g, features.embedding) : features.embedding, [rows, featureDim]);
  if (features.patchTokens) g.output(PATCH_TOKENS, features.patchTokens, [rows, features.patches, featureDim]);
  const metadata = encoderMetadata(spec);
  metadata.delete("format");
  if (includeNormalization) metadata.set(PREPROCESSING_KEY, JSON.stringify(preprocessingOf(alreadyScaled(spec))));
  metadata.set("poa.onnx", JSON.stringify({ opset, batch, dtype, normalize, includeNormalization }));
  return g.finish({ name: `${spec.family} ${networkName(spec)}`, producerVersion, metadata });
}

function featuresOf(g: Graph, images: Value, { backbone, spec }: Encoder, options: GraphOptions): GraphFeatures {
  switch (spec.family) {
    case "vit":
      return vitFeatures(g, images, backbone as VisionTransformer, options);
    case "swin":
      return swinFeatures(g, images, backbone as SwinTransformer, options);
    case "resnet":
      return resnetFeatures(g, images, backbone as ResNet, options);
  }
}

/** (x − mean) / std, channel by channel. */
function normalized(g: Graph, images: Value, { mean, std, channels }: EncoderSpec): Value {
  const shape = [channels, 1, 1];
  const perChannel = (name: string, list: readonly number[]) => g.vector(name, shape, Float32Array.from(list));
  return g.node("Div", [g.node("Sub", [images, perChannel("mean", mean)]), perChannel("std", std)]);
}

/** What remains to be done with images whose normalisation the network does. */
function alreadyScaled(spec: EncoderSpec): EncoderSpec {
  return { ...spec, mean: spec.mean.map(() => 0), std: spec.std.map(() => 1) };
}

/** @throws ConfigError */
function expectSize(spec: EncoderSpec): void {
  const step = spec.family === "resnet" ? 1 : spec.patchSize;
  if (Number.isInteger(spec.imageSize) && spec.imageSize > 0 && spec.imageSize % step === 0) return;
  throw new ConfigError(
    `onnx: the image size is ${spec.imageSize}, expected a positive multiple of ${step}${step > 1 ? ", the patch size" : ""}.`,
  );
}
