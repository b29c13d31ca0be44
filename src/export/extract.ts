import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Network } from "../elastic/space.js";
import { writeSafetensors } from "../formats/safetensors.js";
import { type Encoder, sliceEncoder } from "../models/encoder.js";
import { sizeOfNetwork } from "../models/size.js";
import type { Tensor } from "../tensor/tensor.js";
import { featureValues, largestDifference } from "./compare.js";
import { readEncoder, writeEncoder } from "./encoder-file.js";
import type { Provenance } from "./encoder-metadata.js";
import { toTimm, toTorchvision } from "./stock.js";

/** Whose names the tensors of a file have. */
export type ExtractedNames = "poa" | "timm" | "torchvision";

/** A sub-network as it was written. */
export interface ExtractedFile {
  readonly name: string;
  readonly file: string;
  readonly params: number;
  /** Multiply-adds of one image of the training size. */
  readonly macs: number;
  /** File names by the naming of their parameters. */
  readonly files: Readonly<Record<string, string>>;
  /** Size and SHA-256 of the encoder's file. */
  readonly bytes: number;
  readonly sha256: string;
  /** Largest difference between the class features of the file, read back, and of the slice in place. */
  readonly maxAbsDiff: number;
  /** What must be known to use the file of other names. */
  readonly notes: readonly string[];
}

/** Where a file is written, under which names, and what it is compared on. */
export interface ExtractionOptions {
  readonly folder: string;
  readonly names: ExtractedNames;
  /** f32 [B, C, S, S], normalised, to compare on. */
  readonly images: Tensor;
  /** Of the run; the network's name is added. */
  readonly provenance?: Provenance;
}

/**
 * Writes one sub-network as a file of its own, reads it back and compares it with the slice on images.
 *
 * @param full  the run's teacher
 */
export function extractNetwork(
  full: Encoder,
  network: Network,
  { folder, names, images, provenance }: ExtractionOptions,
): ExtractedFile {
  const { name } = network;
  const slice = sliceEncoder(full, network);
  const dense: Encoder = { backbone: slice.backbone.materialize(), spec: slice.spec };
  const stock = names === "poa" ? null : names === "timm" ? toTimm(dense) : toTorchvision(dense);
  const own = join(folder, `${name}.safetensors`);
  const bytes = writeEncoder(own, dense, provenance && { ...provenance, network: name });
  const reread = readEncoder(own);
  const maxAbsDiff = largestDifference(featureValues(slice, images), featureValues(reread, images));
  const file = names === "poa" ? own : join(folder, `${name}.${names}.safetensors`);
  if (stock) writeFileSync(file, writeSafetensors(stock.tensors, new Map([["format", "pt"]])));
  dense.backbone.dispose();
  reread.backbone.dispose();
  return {
    name,
    file,
    ...sizeOfNetwork(slice.backbone, slice.spec.imageSize),
    files: { poa: basename(own), [names]: basename(file) },
    bytes,
    sha256: createHash("sha256").update(readFileSync(own)).digest("hex"),
    maxAbsDiff,
    notes: stock?.notes ?? [],
  };
}
