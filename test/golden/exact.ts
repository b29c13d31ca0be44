import { readFileSync } from "node:fs";
import { blockMask, type MaskDraws, maskBatch } from "../../src/data/masking.js";
import { keptBlocks } from "../../src/elastic/blocks.js";
import { resnetSpace, type SearchSpace, swinSpace, vitSpace } from "../../src/elastic/space.js";
import { fromOfficial } from "../../src/export/names.js";
import { parameterGroups } from "../../src/optim/groups.js";
import { buildBranch } from "../../src/poa/build.js";
import { resolveConfig } from "../../src/poa/config.js";
import type { PresetName } from "../../src/poa/recipes.js";
import { shapesOnly } from "../../src/tensor/create.js";
import type { GoldenCase } from "./case.js";
import { ExactComparison } from "./compare.js";

/** A stream of uniform numbers from a file, one per draw, under the rules of the manifest's note. */
class ScriptedDraws implements MaskDraws {
  private readonly values: ArrayLike<number>;
  position = 0;

  constructor(values: ArrayLike<number>) {
    this.values = values;
  }

  uniform(low: number, high: number): number {
    return low + (high - low) * this.values[this.position++];
  }

  integer(low: number, high: number): number {
    return low + Math.floor(this.values[this.position++] * (high - low + 1));
  }

  shuffle(order: Int32Array): Int32Array {
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(this.values[this.position++] * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

/** Block masks and their collation on a scripted stream: masking. */
export function runMasking(golden: GoldenCase): ExactComparison {
  const { config } = golden.entry;
  const comparison = new ExactComparison();
  const draws = new ScriptedDraws(golden.get("in.uniform").data);
  const options = { grid: config.grid, maxPatches: config.max_num_patches };
  const patches = config.grid ** 2;
  const singles = golden.get("out.single_masks").data;
  (config.single_targets as number[]).forEach((target, i) => {
    const mask = blockMask(draws, target, options);
    comparison.equal(`single mask ${i}`, mask, singles.subarray(i * patches, (i + 1) * patches));
    comparison.equal(`stream after mask ${i}`, draws.position, config.stream_position_after_each_single[i]);
  });
  const { collate } = config;
  draws.position = collate.stream_start;
  const batch = maskBatch(draws, collate.global_images, {
    ...options,
    probability: collate.mask_probability,
    ratio: collate.mask_ratio,
  });
  comparison.equal("stream end", draws.position, collate.stream_end);
  comparison.equal("collated masks", batch.masks, golden.get("out.collated_masks").data);
  comparison.equal("mask indices", batch.maskIndices, golden.get("out.mask_indices_list").data);
  comparison.equal("mask weights", batch.masksWeight, golden.get("out.masks_weight").data);
  if (golden.entry.upperbound !== undefined) comparison.equal("upper bound", batch.upperbound, golden.entry.upperbound);
  return comparison;
}

// biome-ignore lint/suspicious/noExplicitAny: sampler.json is untyped
function spaceOf({ kind, config: c }: any): SearchSpace {
  const transformer = {
    minWidth: c.min_embed_dim,
    maxWidth: c.max_embed_dim,
    headDim: c.head_dim,
    scale: c.net_select_scale,
  };
  if (kind === "vit") {
    const intervals = { widthInterval: c.width_interval, depthInterval: c.depth_interval };
    return vitSpace({ ...transformer, ...intervals, minDepth: c.min_depth, maxDepth: c.max_depth });
  }
  if (kind === "swin")
    return swinSpace({ ...transformer, minDepth: c.min_s3_depth, maxDepths: [2, 2, c.max_s3_depth, 2] });
  return resnetSpace({
    baseChannels: c.base,
    groups: c.groups,
    minDepths: c.min_depths,
    maxDepths: c.max_depths,
    scale: c.scale,
  });
}

/** Search spaces with multiplicities, and kept blocks: sampler.json. */
export function runSampler(path: string): ExactComparison {
  const comparison = new ExactComparison();
  const { samplers, block_idx } = JSON.parse(readFileSync(path, "utf8"));
  for (const sampler of samplers) {
    const space = spaceOf(sampler);
    const what = `${sampler.kind} space`;
    comparison.equal(`${what} length`, space.length, sampler.num_networks);
    comparison.equal(`${what} full network`, space.at(sampler.intact_network_id) === space.full, true);
    const first = (width: number | number[]) => (Array.isArray(width) ? width[0] : width);
    comparison.equal(
      what,
      space.distinct().map(({ width, depth, draws }) => [width, depth, draws]),
      sampler.networks_run_length.map(([width, depth, draws]: [number | number[], unknown, number]) => [
        first(width),
        depth,
        draws,
      ]),
    );
  }
  for (const { max_depth, depth, idx } of block_idx)
    comparison.equal(`blocks ${depth} of ${max_depth}`, keptBlocks(max_depth, depth), idx);
  return comparison;
}

/** Names, shapes and multipliers of a family at its official size, without memory for its weights: param_groups_*.json. */
export function runParameterGroups(path: string, preset: PresetName): ExactComparison {
  const comparison = new ExactComparison();
  const { layerwise_decay, distinct_groups, params } = JSON.parse(readFileSync(path, "utf8"));
  const { config } = resolveConfig({}, { preset });
  const branch = shapesOnly(() => buildBranch(config));
  const groups = parameterGroups(branch, {
    layerwiseDecay: layerwise_decay,
    patchEmbedMultiplier: config.optim.patch_embed_lr_mult,
  });
  const byName = new Map(
    groups.flatMap((group) => group.parameters.map(({ name, tensor }) => [name, { group, tensor }] as const)),
  );
  comparison.equal("number of parameters", byName.size, params.length);
  comparison.equal("number of groups", groups.length, distinct_groups);
  for (const [name, shape, lr, wd, isLast] of params) {
    const own = byName.get(fromOfficial(name));
    const { tensor, group } = own ?? {};
    comparison.equal(
      name,
      [...(tensor?.shape ?? []), group?.lrMultiplier, group?.wdMultiplier, group?.isLastLayer],
      [...shape, lr, wd, isLast],
    );
  }
  return comparison;
}
