import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { step } from "../autograd/tape.js";
import { writeSafetensors } from "../formats/safetensors.js";
import { type Encoder, sliceEncoder } from "../models/encoder.js";
import { sizeOfNetwork } from "../models/size.js";
import type { Tensor } from "../tensor/tensor.js";
import { readEncoder, writeEncoder } from "./encoder-file.js";
import { type ExportedTensor, toTimm, toTorchvision } from "./torchvision.js";

export type ExtractedNames = "poa" | "timm" | "torchvision";

export interface ExtractedFile {
  readonly name: string;
  readonly file: string;
  readonly params: number;
  /** Largest difference between the class features of the file, read back, and of the slice in place. */
  readonly maxAbsDiff: number;
}

/**
 * Writes one sub-network as a file of its own, reads it back and compares it with the slice on images.
 *
 * @param full  the run's teacher
 * @param images  f32 [B, C, S, S], normalised, to compare on
 */
export function extractNetwork(
  full: Encoder,
  { name, width, depth }: { name: string; width: number; depth: number },
  { folder, names, images }: { folder: string; names: ExtractedNames; images: Tensor },
): ExtractedFile {
  const slice = sliceEncoder(full, { width, depth });
  const dense: Encoder = { backbone: slice.backbone.materialize(), spec: slice.spec };
  const own = join(folder, `${name}.safetensors`);
  writeEncoder(own, dense);
  const reread = readEncoder(own);
  const maxAbsDiff = largestDifference(classFeatures(slice, images), classFeatures(reread, images));
  const file = names === "poa" ? own : join(folder, `${name}.${names}.safetensors`);
  if (names === "timm") writeFileSync(file, plainFile(toTimm(dense.backbone)));
  if (names === "torchvision") writeFileSync(file, plainFile(toTorchvision(dense.backbone)));
  dense.backbone.dispose();
  reread.backbone.dispose();
  return { name, file, params: sizeOfNetwork(slice.backbone, slice.spec.imageSize).params, maxAbsDiff };
}

function classFeatures({ backbone }: Encoder, images: Tensor): Float32Array {
  return step(() => backbone.forward(images).classToken.toArray()) as Float32Array;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}

function plainFile(tensors: ReadonlyMap<string, ExportedTensor>): Uint8Array {
  return writeSafetensors(
    new Map([...tensors].map(([name, { shape, data }]) => [name, { dtype: "F32", shape, data }])),
    new Map([["format", "pt"]]),
  );
}
