import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Network } from "../elastic/space.js";
import { PoaError } from "../errors.js";
import { writeSafetensors } from "../formats/safetensors.js";
import { type Encoder, sliceEncoder } from "../models/encoder.js";
import { sizeOfNetwork } from "../models/size.js";
import type { Tensor } from "../tensor/tensor.js";
import { featureValues, largestDifference } from "./compare.js";
import { readEncoder, writeEncoder } from "./encoder-file.js";
import type { Provenance } from "./encoder-metadata.js";
import { toTimm, toTorchvision } from "./stock.js";

/** Above this a file and its slice are different networks, not rounding. */
export const EXTRACTION_TOLERANCE = 1e-5;

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
 * @throws PoaError if they differ by more than `EXTRACTION_TOLERANCE`; no file is left then, and one of before stays as it is
 */
export function extractNetwork(full: Encoder, network: Network, options: ExtractionOptions): ExtractedFile {
  const { folder, names, images, provenance } = options;
  const { name } = network;
  const slice = sliceEncoder(full, network);
  const dense: Encoder = { backbone: slice.backbone.materialize(), spec: slice.spec };
  const stock = names === "poa" ? null : names === "timm" ? toTimm(dense) : toTorchvision(dense);
  const own = join(folder, `${name}.safetensors`);
  const file = names === "poa" ? own : join(folder, `${name}.${names}.safetensors`);
  const paths = new Set([own, file]);
  let [bytes, maxAbsDiff] = [0, 0];
  try {
    bytes = writeEncoder(draftOf(own), dense, provenance && { ...provenance, network: name });
    if (stock) writeFileSync(draftOf(file), writeSafetensors(stock.tensors, new Map([["format", "pt"]])));
    dense.backbone.dispose();
    maxAbsDiff = differenceOf(slice, draftOf(own), images);
    if (!(maxAbsDiff <= EXTRACTION_TOLERANCE)) throw differs(name, maxAbsDiff);
    for (const path of paths) renameSync(draftOf(path), path);
  } finally {
    for (const path of paths) rmSync(draftOf(path), { force: true });
  }
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

/** Where a file stands until it has been compared. */
export const draftOf = (path: string) => `${path}.unchecked`;

function differenceOf(slice: Encoder, path: string, images: Tensor): number {
  const reread = readEncoder(path);
  const difference = largestDifference(featureValues(slice, images), featureValues(reread, images));
  reread.backbone.dispose();
  return difference;
}

function differs(name: string, maxAbsDiff: number): PoaError {
  return new PoaError(
    `extract: the file of network ${name} differs from its slice by ${maxAbsDiff}, more than ${EXTRACTION_TOLERANCE}, and is not ` +
      "kept. Weights that have diverged do that: look at the losses of the run, and begin again from an earlier checkpoint.",
  );
}
