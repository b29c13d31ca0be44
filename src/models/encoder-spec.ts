import type { Depth } from "../elastic/space.js";

/** How images must look at a network's door. */
export interface ImageContract {
  /** Side of the square images that it was trained on, in pixels. */
  readonly imageSize: number;
  /** Per channel, of values scaled to 0…1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What all families have. */
interface SlicedArchitecture {
  /** Whether narrower parts of the network make up for the inputs that they lack (nn/slice-scale.ts); absent where they do. */
  readonly sliceScale?: boolean;
}

/** A vision transformer (models/vit.ts). */
export interface VitArchitecture extends SlicedArchitecture {
  readonly family: "vit";
  readonly patchSize: number;
  readonly channels: number;
  readonly width: number;
  readonly depth: number;
  readonly headDim: number;
  readonly mlpRatio: number;
  readonly layerScale: boolean;
  readonly qkvBias: boolean;
  readonly projBias: boolean;
  readonly ffnBias: boolean;
}

/** A Swin transformer (models/swin.ts). */
export interface SwinArchitecture extends SlicedArchitecture {
  readonly family: "swin";
  readonly patchSize: number;
  readonly channels: number;
  /** Channels of stage 1; every stage has twice as many as the one before. */
  readonly width: number;
  /** Channels of the patch embedding and of its norm; more than `width` in a sub-network, which drops the rest. */
  readonly embedWidth: number;
  /** Blocks of the four stages. */
  readonly depths: readonly number[];
  /** Which blocks of each stage attend in shifted windows: those with an odd index in the full network. */
  readonly shifts: readonly (readonly boolean[])[];
  readonly headDim: number;
  /** Side of an attention window in tokens. */
  readonly windowSize: number;
  readonly mlpRatio: number;
  readonly qkvBias: boolean;
  /** Whether windows are shifted also on maps that one window covers, as POA does and torchvision does not. */
  readonly shiftSmallMaps: boolean;
  /** Patch tokens per position of the last map and side. */
  readonly patchScale: number;
}

/** A residual network (models/resnet.ts). */
export interface ResnetArchitecture extends SlicedArchitecture {
  readonly family: "resnet";
  readonly channels: number;
  readonly stemChannels: number;
  /** Channels that stage 1 returns; every stage has twice as many as the one before. */
  readonly outChannels: number;
  /** Middle channels of stage 1; every stage has twice as many as the one before. */
  readonly width: number;
  /** Blocks of the four stages. */
  readonly depths: readonly number[];
  readonly strides: readonly number[];
  readonly norm: "group" | "batch";
  /** Groups of every group normalisation; 1 where there is none. */
  readonly groups: number;
  /** "basic" in ResNet-18 and 34; absent for bottlenecks. */
  readonly block?: "bottleneck" | "basic";
  /** Patch tokens per position of the last map and side. */
  readonly patchScale: number;
}

/** What a network is, apart from its weights and images. */
export type Architecture = VitArchitecture | SwinArchitecture | ResnetArchitecture;

/** A vision transformer and the images it takes. */
export type VitSpec = VitArchitecture & ImageContract;
/** A Swin and the images it takes. */
export type SwinSpec = SwinArchitecture & ImageContract;
/** A ResNet and the images it takes. */
export type ResnetSpec = ResnetArchitecture & ImageContract;

/** What a saved encoder says about itself: enough to build it and to prepare images for it. */
export type EncoderSpec = VitSpec | SwinSpec | ResnetSpec;

/** The depth by which a search space knows a network (elastic/space.ts). */
export function depthOf(spec: Architecture): Depth {
  switch (spec.family) {
    case "vit":
      return spec.depth;
    case "swin":
      return spec.depths[2];
    case "resnet":
      return spec.depths;
  }
}

/** Width and depths as a search space writes them: 96x4, 64x4x6. */
export function networkName(spec: Architecture): string {
  const depth = spec.family === "resnet" ? [spec.depths[1], spec.depths[2]] : [depthOf(spec)];
  return [spec.width, ...depth].join("x");
}
