import { FormatError } from "../errors.js";
import { BasicBlock, Bottleneck } from "../nn/residual-block.js";
import type { ScaledLayer } from "../nn/slice-scale.js";
import type { Backbone } from "./backbone.js";
import type { Architecture, ResnetArchitecture, SwinArchitecture, VitArchitecture } from "./encoder-spec.js";
import { ResNet } from "./resnet.js";
import { SwinTransformer } from "./swin.js";
import { VisionTransformer } from "./vit.js";

/** What a network is, read off its modules; of a part of a network, what the part is. @throws FormatError for other backbones */
export function architectureOf(backbone: Backbone): Architecture {
  if (backbone instanceof VisionTransformer) return vitArchitecture(backbone);
  if (backbone instanceof SwinTransformer) return swinArchitecture(backbone);
  if (backbone instanceof ResNet) return resnetArchitecture(backbone);
  throw new FormatError(
    `encoder: a ${backbone.constructor.name} is none of VisionTransformer, SwinTransformer, ResNet.`,
  );
}

function vitArchitecture({ blocks, patch_embed, width, depth }: VisionTransformer): VitArchitecture {
  const { attn, mlp, ls1 } = blocks[0];
  return {
    family: "vit",
    patchSize: patch_embed.patchSize,
    channels: patch_embed.proj.weight.shape[1],
    width,
    depth,
    headDim: attn.headDim,
    mlpRatio: mlp.fc1.weight.shape[0] / width,
    layerScale: ls1 !== null,
    qkvBias: attn.qkv.bias !== null,
    projBias: attn.proj.bias !== null,
    ffnBias: mlp.fc1.bias !== null,
    ...scaleOf(attn.qkv),
  };
}

function swinArchitecture(swin: SwinTransformer): SwinArchitecture {
  const { width, embedWidth, headDim, windowSize, shiftSmallMaps, patchScale, patch_embed, stages } = swin;
  const { attn, ffn } = stages[0].blocks[0];
  return {
    family: "swin",
    patchSize: patch_embed.patchSize,
    channels: patch_embed.proj.weight.shape[1],
    width,
    embedWidth,
    depths: [...swin.depths],
    shifts: swin.shifts,
    headDim,
    windowSize,
    mlpRatio: ffn.fc1.weight.shape[0] / width,
    qkvBias: attn.w_msa.qkv.bias !== null,
    shiftSmallMaps,
    patchScale,
    ...scaleOf(attn.w_msa.qkv),
  };
}

function resnetArchitecture({ conv1, norm1, stages, width, depths, patchScale }: ResNet): ResnetArchitecture {
  const [stemChannels, channels] = conv1.weight.shape;
  const first = stages.map(({ layers }) => layers[0]);
  const byGroups = "groups" in norm1;
  return {
    family: "resnet",
    channels,
    stemChannels,
    outChannels: first[0].outChannels,
    width,
    depths: [...depths],
    strides: first.map((block) => (block instanceof Bottleneck ? block.conv2 : (block as BasicBlock).conv1).stride),
    norm: byGroups ? "group" : "batch",
    groups: byGroups ? norm1.groups : 1,
    patchScale,
    ...(first[0] instanceof BasicBlock ? { block: "basic" } : {}),
    ...scaleOf(conv1),
  };
}

/** Of a network whose layers are all alike in that. */
function scaleOf({ sliceScale }: ScaledLayer): { sliceScale?: boolean } {
  return sliceScale ? {} : { sliceScale };
}
