import { ConfigError } from "../errors.js";
import type { StoredTensor } from "../formats/safetensors.js";
import type { Encoder } from "../models/encoder.js";
import type { SwinSpec } from "../models/encoder-spec.js";
import { relativePositionIndex } from "../nn/relative-position.js";
import { foldLayerScale } from "./naming/torchvision-vit.js";
import { namingFor } from "./namings.js";

/** A network under the names of another library. */
export interface StockState {
  readonly tensors: Map<string, StoredTensor>;
  /** What must be known to get the same outputs there. */
  readonly notes: readonly string[];
}

/**
 * A dense network under timm's names (for Swin those of timm 0.7 and later), without tensors that only training reads.
 *
 * @throws ConfigError for a Swin that stock code cannot represent
 */
export function toTimm(encoder: Encoder): StockState {
  return renamed(encoder, "timm", stateOf(encoder));
}

/**
 * A dense network under torchvision's names. torchvision's ViT has no layer scale, which is folded into the layer before it, and
 * biases everywhere; its Swin keeps position indices in its files.
 *
 * @throws ConfigError for a Swin that stock code cannot represent
 */
export function toTorchvision(encoder: Encoder): StockState {
  const { spec } = encoder;
  const state = stateOf(encoder);
  if (spec.family === "vit") return renamed(encoder, "torchvision", withBiases(foldLayerScale(state)));
  const { tensors, notes } = renamed(encoder, "torchvision", state);
  return { tensors: spec.family === "swin" ? withPositionIndices(tensors, spec.windowSize, 1) : tensors, notes };
}

/** How the names of a published checkpoint are formed. */
export interface PublishedForm {
  /** Before every name, as in `teacher.backbone.`; default none. */
  readonly prefix?: string;
  /** Chunks that the blocks of a ViT are numbered by, `blocks.CHUNK.BLOCK.`; default none. */
  readonly chunks?: number;
}

/** A dense network under the names of the published POA checkpoints, from which the official code loads it. */
export function toPublished(encoder: Encoder, { prefix = "", chunks }: PublishedForm = {}): Map<string, StoredTensor> {
  const { spec } = encoder;
  const state = stateOf(encoder);
  const { theirs } = namingFor("official", spec.family);
  const perChunk = spec.family === "vit" && chunks ? spec.depth / chunks : null;
  const numbered = (name: string) =>
    perChunk ? name.replace(/^blocks\.(\d+)\./, (_, i) => `blocks.${Math.floor(i / perChunk)}.${i}.`) : name;
  const tensors = new Map([...state].map(([name, x]) => [prefix + numbered(theirs(name)!), x]));
  return spec.family === "swin" ? withPositionIndices(tensors, spec.windowSize, 2) : tensors;
}

const [TABLE, INDEX] = ["relative_position_bias_table", "relative_position_index"];

/**
 * Beside every bias table the row of it that belongs to each query and key, which other libraries keep in their files.
 *
 * @param axes  2: [w², w²]; 1: the same, flattened
 */
function withPositionIndices(
  tensors: ReadonlyMap<string, StoredTensor>,
  window: number,
  axes: 1 | 2,
): Map<string, StoredTensor> {
  const data = BigInt64Array.from(relativePositionIndex(window), BigInt);
  const shape = axes === 1 ? [window ** 4] : [window ** 2, window ** 2];
  const tables = [...tensors.keys()].filter((name) => name.endsWith(TABLE));
  const indices = tables.map((name) => [name.replace(TABLE, INDEX), { dtype: "I64", shape, data }] as const);
  return new Map<string, StoredTensor>([...tensors, ...indices]);
}

function stateOf({ backbone }: Encoder): Map<string, StoredTensor> {
  const state = [...backbone.stateDict()];
  return new Map(state.map(([name, x]) => [name, { dtype: "F32", shape: x.shape, data: x.toArray() as Float32Array }]));
}

function renamed(
  { spec }: Encoder,
  names: "timm" | "torchvision",
  state: ReadonlyMap<string, StoredTensor>,
): StockState {
  const notes: string[] = [];
  if (spec.family === "swin") notes.push(...expectStockSwin(spec, names));
  if (spec.family === "resnet" && spec.norm === "group")
    notes.push(
      `The tensors called bn hold the scales and shifts of GroupNorm(${spec.groups}): build the network with that instead of BatchNorm2d.`,
    );
  const naming = namingFor(names, spec.family);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, x] of state) {
    const theirs = naming.theirs(name);
    if (theirs !== undefined && name !== "mask_token") tensors.set(theirs, naming.convert?.(name, x, "theirs") ?? x);
  }
  return { tensors, notes };
}

/** Channels of a head in every stock Swin. */
const STOCK_HEAD_DIM = 32;

/** Notes on a Swin for stock code. @throws ConfigError if that would compute something else whatever one does */
function expectStockSwin(spec: SwinSpec, names: string): string[] {
  const { width, embedWidth, shifts, shiftSmallMaps, headDim } = spec;
  const alternate = shifts.every((stage) => stage.every((shift, i) => shift === (i % 2 === 1)));
  if (embedWidth !== width || !alternate) {
    throw new ConfigError(
      `A Swin of ${names} has no place for ${embedWidth !== width ? `a patch embedding of ${embedWidth} channels before a stage of ${width}` : "this order of shifted windows"}. Keep our names, which are exact (docs/checkpoints.md).`,
    );
  }
  const notes: string[] = [];
  if (headDim !== STOCK_HEAD_DIM)
    notes.push(
      `The heads have ${headDim} channels: build the network with ${width / headDim} heads in its first stage.`,
    );
  if (shiftSmallMaps)
    notes.push(
      "This network also shifts windows on maps that one window covers; stock code does not, so its outputs differ there.",
    );
  return notes;
}

/** A layer without a bias as one whose bias is 0. */
function withBiases(state: ReadonlyMap<string, StoredTensor>): Map<string, StoredTensor> {
  const result = new Map(state);
  for (const [name, { shape }] of state) {
    const bias = name.replace(/\.weight$/, ".bias");
    if (!state.has(bias) && name.endsWith(".weight"))
      result.set(bias, { dtype: "F32", shape: [shape[0]], data: new Float32Array(shape[0]) });
  }
  return result;
}
