import { ConfigError, FormatError } from "../errors.js";
import type { EncoderSpec, ImageContract, ResnetSpec, SwinSpec, VitSpec } from "../models/encoder-spec.js";
import type { Family } from "./names.js";
import type { Names } from "./namings.js";

/** What the shapes of a checkpoint do not tell. */
export interface SpecOptions {
  readonly family: Family;
  readonly names: Names;
  /** Channels of an attention head of a ViT; for the usual widths 64. */
  readonly headDim?: number;
  /** Side of the images in pixels. That of a ViT follows from its positions; for the others it is 224 by default. */
  readonly imageSize?: number;
  /** Per channel; default those of ImageNet. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Groups of the group normalisations of a ResNet; default 32. */
  readonly groups?: number;
}

/** Shapes by our names, and how to complain. */
export interface Shapes {
  readonly label: string;
  readonly byName: ReadonlyMap<string, readonly number[]>;
  /** The file's name of ours. */
  readonly theirs: (name: string) => string;
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const USUAL_IMAGE = 224;
/** Widths whose published networks all have heads of 64 channels. */
const WIDTHS_OF_64: Readonly<Record<Names, (width: number) => boolean>> = {
  official: (width) => width >= 384 && width <= 1024 && width % 64 === 0,
  timm: (width) => [192, 384, 768, 1024].includes(width),
  torchvision: (width) => [768, 1024].includes(width),
};
const USUAL_GROUPS = 32;

/**
 * The architecture of a checkpoint from the shapes of its tensors.
 *
 * @throws FormatError if a tensor that tells is not there, or says something impossible
 * @throws ConfigError if an option is needed, or does not fit
 */
export function inferSpec(shapes: Shapes, options: SpecOptions): EncoderSpec {
  const of = { vit: vitSpec, swin: swinSpec, resnet: resnetSpec };
  return of[options.family](shapes, options);
}

function shapeOf({ label, byName, theirs }: Shapes, name: string, axes: number, family: Family): readonly number[] {
  const shape = byName.get(name);
  if (!shape) {
    throw new FormatError(
      `${label} has no ${theirs(name)}, so it is no ${family} under these names. Look at --arch and --names; it holds ` +
        `${[...byName.keys()].slice(0, 5).map(theirs).join(", ") || "no tensor of such a network"}.`,
    );
  }
  if (shape.length !== axes || shape.includes(0))
    throw new FormatError(
      `${label}: ${theirs(name)} is [${shape.join(", ")}], expected ${axes} axes that are not empty.`,
    );
  return shape;
}

/** One more than the largest number at that place of the names; there cannot be more blocks than tensors. */
function countOf({ label, byName }: Shapes, pattern: RegExp): number {
  let count = 0;
  for (const name of byName.keys()) count = Math.max(count, 1 + Number(pattern.exec(name)?.[1] ?? -1));
  if (count > byName.size) throw new FormatError(`${label} has a block ${count - 1}, but only ${byName.size} tensors.`);
  return count;
}

function imagesOf({ label }: Shapes, channels: number, imageSize: number, options: SpecOptions): ImageContract {
  const { mean = IMAGENET.mean, std = IMAGENET.std } = options;
  if (mean.length !== channels || std.length !== channels) {
    throw new ConfigError(
      `${label}: its images have ${channels} channels, but mean and std have ${mean.length} and ${std.length} values. ` +
        "Give --mean and --std, a value per channel.",
    );
  }
  return { imageSize, mean: [...mean], std: [...std] };
}

function vitSpec(shapes: Shapes, options: SpecOptions): VitSpec {
  const { label, byName, theirs } = shapes;
  const [width, channels, patchSize] = shapeOf(shapes, "patch_embed.proj.weight", 4, "vit");
  const [, positions] = shapeOf(shapes, "pos_embed", 3, "vit");
  const side = Math.round(Math.sqrt(positions - 1));
  if (side < 1 || side * side !== positions - 1) {
    throw new FormatError(
      `${label}: ${theirs("pos_embed")} has ${positions} entries, not one for the class token and those of a square grid.`,
    );
  }
  const [hidden] = shapeOf(shapes, "blocks.0.mlp.fc1.weight", 2, "vit");
  const has = (name: string) => byName.has(`blocks.0.${name}`);
  return {
    family: "vit",
    ...{ patchSize, channels, width },
    depth: countOf(shapes, /^blocks\.(\d+)\./),
    headDim: headDimOf(label, width, options),
    mlpRatio: hidden / width,
    layerScale: has("ls1.gamma"),
    qkvBias: has("attn.qkv.bias"),
    projBias: has("attn.proj.bias"),
    ffnBias: has("mlp.fc1.bias"),
    ...imagesOf(shapes, channels, side * patchSize, options),
  };
}

function headDimOf(label: string, width: number, { headDim, names }: SpecOptions): number {
  if (headDim === undefined && WIDTHS_OF_64[names](width)) return 64;
  if (headDim === undefined) {
    throw new ConfigError(
      `${label}: no shape tells how the ${width} channels are divided into heads. Give --head-dim N, the width / the number of heads.`,
    );
  }
  if (headDim < 1 || width % headDim !== 0)
    throw new ConfigError(`--head-dim ${headDim} does not divide the width ${width} of ${label}.`);
  return headDim;
}

function swinSpec(shapes: Shapes, options: SpecOptions): SwinSpec {
  const { label, byName, theirs } = shapes;
  const [embedWidth, channels, patchSize] = shapeOf(shapes, "patch_embed.proj.weight", 4, "swin");
  const [width] = shapeOf(shapes, "stages.0.blocks.0.norm1.weight", 1, "swin");
  const [hidden] = shapeOf(shapes, "stages.0.blocks.0.ffn.fc1.weight", 2, "swin");
  const table = "stages.0.blocks.0.attn.w_msa.relative_position_bias_table";
  const [offsets, heads] = shapeOf(shapes, table, 2, "swin");
  const windowSize = (Math.round(Math.sqrt(offsets)) + 1) / 2;
  if ((2 * windowSize - 1) ** 2 !== offsets || !Number.isInteger(windowSize) || width % heads !== 0)
    throw new FormatError(
      `${label}: ${theirs(table)} is [${offsets}, ${heads}], which fits no window and ${width} channels.`,
    );
  const depths = [0, 1, 2, 3].map((s) => countOf(shapes, new RegExp(`^stages\\.${s}\\.blocks\\.(\\d+)\\.`)));
  return {
    family: "swin",
    ...{ patchSize, channels, width, embedWidth, depths, windowSize },
    shifts: depths.map((depth) => Array.from({ length: depth }, (_, i) => i % 2 === 1)),
    headDim: width / heads,
    mlpRatio: hidden / width,
    qkvBias: byName.has("stages.0.blocks.0.attn.w_msa.qkv.bias"),
    shiftSmallMaps: options.names === "official",
    patchScale: patchScaleOf(options.names),
    ...imagesOf(shapes, channels, options.imageSize ?? USUAL_IMAGE, options),
  };
}

function resnetSpec(shapes: Shapes, options: SpecOptions): ResnetSpec {
  const [stemChannels, channels] = shapeOf(shapes, "conv1.weight", 4, "resnet");
  const [width] = shapeOf(shapes, "layer1.layers.0.conv1.weight", 4, "resnet");
  const basic = !shapes.byName.has("layer1.layers.0.conv3.weight");
  const [outChannels] = shapeOf(shapes, `layer1.layers.0.conv${basic ? 2 : 3}.weight`, 4, "resnet");
  const norm = shapes.byName.has("norm1.running_mean") ? "batch" : "group";
  const groups = norm === "batch" ? 1 : (options.groups ?? USUAL_GROUPS);
  if ([stemChannels, width, outChannels].some((count) => count % groups !== 0)) {
    throw new ConfigError(
      `${shapes.label}: ${stemChannels}, ${width} and ${outChannels} channels are not divided by ${groups} groups. Give --groups N.`,
    );
  }
  return {
    family: "resnet",
    ...{ channels, stemChannels, outChannels, width, norm, groups },
    depths: [1, 2, 3, 4].map((s) => countOf(shapes, new RegExp(`^layer${s}\\.layers\\.(\\d+)\\.`))),
    strides: [1, 2, 2, 2],
    ...(basic ? { block: "basic" as const } : {}),
    patchScale: patchScaleOf(options.names),
    ...imagesOf(shapes, channels, options.imageSize ?? USUAL_IMAGE, options),
  };
}

/** POA compares twice as many patches per side as its last map has; stock networks have no such notion. */
function patchScaleOf(names: Names): number {
  return names === "official" ? 2 : 1;
}
