import { Module } from "../nn/module.js";
import { powInt } from "../tensor/math.js";
import type { Tensor } from "../tensor/tensor.js";
import type { NamedParameter, ParameterGroup } from "./parameter-group.js";

/** How rates differ between parameters. */
export interface GroupOptions {
  /** γ: a layer's learning rate is γ times that of the layer above it; default 1. */
  layerwiseDecay?: number;
  /** Further factor for the learning rate of the patch embedding; default 1. */
  patchEmbedMultiplier?: number;
  /** Whether what is no part of a block forms a layer above the last one in a ResNet too, as a classifier does; default false. */
  headLayer?: boolean;
}

/** How the update of one parameter differs from the rest. */
export type Multipliers = Omit<ParameterGroup, "parameters">;

/**
 * Groups the parameters of a model by equal multipliers (spec §5.2).
 *
 * @param parameters  a module or parameters with their names; backbone and heads together or apart
 * @returns groups in the order in which their first parameter appears
 */
export function parameterGroups(
  parameters: Module | readonly (readonly [string, Tensor])[],
  options: GroupOptions = {},
): ParameterGroup[] {
  const named = parameters instanceof Module ? parameters.namedParameters() : parameters;
  return groupsOf(
    named,
    parameterMultipliers(
      named.map(([name]) => name),
      options,
    ),
  );
}

/**
 * Groups parameters for fine-tuning (spec §7.3): learning rate γ^(layers + 1 − layer), where the embeddings are layer 0, the
 * i-th block is layer i and what stands above, a classifier and a last norm, layer `layers + 1`; no weight decay for
 * what has one axis, biases, positions and class token.
 *
 * @param model  a backbone with a classifier
 * @param layerwiseDecay  γ
 */
export function fineTuneGroups(model: Module, layerwiseDecay: number): ParameterGroup[] {
  const named = model.namedParameters();
  const multipliers = parameterMultipliers(
    named.map(([name]) => name),
    { layerwiseDecay, headLayer: true },
  );
  return groupsOf(
    named,
    named.map(([name, { shape }], i) => ({
      lrMultiplier: multipliers[i].lrMultiplier,
      wdMultiplier: shape.length <= 1 || /(^|\.)(bias|pos_embed|cls_token)$/.test(name) ? 0 : 1,
      isLastLayer: false,
    })),
  );
}

/** Parameters with equal multipliers together, in order of appearance. */
function groupsOf(
  named: readonly (readonly [string, Tensor])[],
  multipliers: readonly Multipliers[],
): ParameterGroup[] {
  const groups = new Map<string, ParameterGroup & { parameters: NamedParameter[] }>();
  named.forEach(([name, tensor], i) => {
    const key = Object.values(multipliers[i]).join(" ");
    const group = groups.get(key) ?? { ...multipliers[i], parameters: [] };
    group.parameters.push({ name, tensor });
    groups.set(key, group);
  });
  return [...groups.values()];
}

/**
 * Multipliers by parameter name (spec §5.2). Names may be those of the published checkpoints or of this library, with or
 * without a prefix such as `backbone.`; the depth of the network follows from the names.
 *
 * - no weight decay where the name ends in `bias` or contains `norm` or `gamma`;
 * - learning rate γ^(max − layer): 0 for the input layers (embeddings, tokens, stem), i + 1 for the i-th block over all
 *   stages, max for the rest; times patchEmbedMultiplier for `patch_embed`.
 */
export function parameterMultipliers(
  names: readonly string[],
  { layerwiseDecay = 1, patchEmbedMultiplier = 1, headLayer = false }: GroupOptions = {},
): Multipliers[] {
  const { layerOf, maxLayer } = layersOf(names, headLayer);
  return names.map((name) => {
    const lr = powInt(layerwiseDecay, maxLayer - layerOf(name));
    return {
      lrMultiplier: name.includes("patch_embed") ? lr * patchEmbedMultiplier : lr,
      wdMultiplier: /(^|\.)bias$|norm|gamma/.test(name) ? 0 : 1,
      isLastLayer: name.includes("last_layer"),
    };
  });
}

interface Family {
  /** A parameter of a block: [, stage, index], or [, index] where there are no stages. */
  readonly block: RegExp;
  /** A parameter of layer 0. */
  readonly input: RegExp;
  /** Layers above the last block: 1 where a final norm counts as one. */
  readonly above: 0 | 1;
}

const FAMILIES: readonly Family[] = [
  { block: /(?:^|\.)stages\.(\d+)\.blocks\.(\d+)\./, input: /patch_embed|mask_token/, above: 1 }, //                   Swin
  { block: /(?:^|\.)layer(\d+)\.(?:layers\.)?(\d+)\./, input: /(?:^|\.)(?:conv1|norm1|mask_token)(?:\.|$)/, above: 0 }, // ResNet
  { block: /(?:^|\.)blocks\.(\d+)\./, input: /pos_embed|patch_embed|mask_token|cls_token/, above: 1 }, //               ViT
];

/** Patch merging between the stages of a Swin; it belongs to the next layer. */
const MERGING = /(?:^|\.)stages\.(\d+)\.downsample\./;

/** The layer of each parameter, as far as names tell; a model without blocks is one layer. */
function layersOf(
  names: readonly string[],
  headLayer: boolean,
): { maxLayer: number; layerOf: (name: string) => number } {
  const family = FAMILIES.find(({ block }) => names.some((name) => block.test(name)));
  if (!family) return { maxLayer: 0, layerOf: () => 0 };
  const depths: number[] = []; // blocks per stage; a stage number that does not occur has none
  const blockOf = (name: string) => {
    const [index, stage = 0] = family.block.exec(name)?.slice(1).map(Number).reverse() ?? [];
    return index === undefined ? null : { stage, index };
  };
  for (const block of names.map(blockOf)) {
    if (block) depths[block.stage] = Math.max(depths[block.stage] ?? 0, block.index + 1);
  }
  const before = (stage: number) => depths.slice(0, stage).reduce((sum, depth) => sum + depth, 0);
  const maxLayer = before(depths.length) + (headLayer ? 1 : family.above);
  const layerOf = (name: string) => {
    const block = blockOf(name);
    if (block) return before(block.stage) + block.index + 1;
    const merging = MERGING.exec(name);
    if (merging) return before(Number(merging[1]) + 1) + 1;
    return family.input.test(name) ? 0 : maxLayer;
  };
  return { maxLayer, layerOf };
}
