import type { Network } from "../elastic/space.js";
import { FormatError } from "../errors.js";
import { unfilled } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import type { Backbone } from "./backbone.js";
import type { Architecture, EncoderSpec, ImageContract, VitArchitecture } from "./encoder-spec.js";
import { VisionTransformer } from "./vit.js";

/** A frozen backbone with its spec. */
export interface Encoder {
  readonly backbone: Backbone;
  readonly spec: EncoderSpec;
}

/** The spec of a network for images of that size and normalisation. */
export function specOf(backbone: Backbone, { imageSize, mean, std }: ImageContract): EncoderSpec {
  return { ...architectureOf(backbone), imageSize, mean: [...mean], std: [...std] };
}

/**
 * The network of a spec, not frozen, with random weights (or none, see tensor/create.ts).
 *
 * @throws FormatError for a family that this version does not know
 * @throws ShapeError if the numbers of the spec do not fit together
 */
export function buildBackboneOf(spec: EncoderSpec): Backbone {
  const rng = new Rng(0);
  switch (spec.family) {
    case "vit":
      return new VisionTransformer({ ...spec, layerScale: spec.layerScale ? 1 : null, rng });
    default:
      throw new FormatError(`encoder: family ${JSON.stringify(spec.family)} is unknown to this version; vit is known.`);
  }
}

function architectureOf(backbone: Backbone): Architecture {
  if (backbone instanceof VisionTransformer) return vitArchitecture(backbone);
  throw new FormatError(
    `encoder: a ${backbone.constructor.name} is no backbone of this version; VisionTransformer is.`,
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
  };
}

/**
 * A network of a spec, frozen, with saved weights.
 *
 * @param state  tensors under our names
 * @throws FormatError for a family that this version does not know
 * @throws ShapeError if the weights do not fit the spec
 */
export function buildEncoder(
  spec: EncoderSpec,
  state: ReadonlyMap<string, { shape: readonly number[]; data: ArrayLike<number> }>,
): Encoder {
  const backbone = unfilled(() => buildBackboneOf(spec));
  backbone.loadStateDict(state);
  backbone.requireGrad(false);
  return { backbone, spec };
}

/** A part of an encoder, in place: the same weights seen through narrower views. */
export function sliceEncoder({ backbone, spec }: Encoder, { width, depth }: Omit<Network, "name">): Encoder {
  const part = backbone.slice({ width, depth });
  return { backbone: part, spec: specOf(part, spec) };
}
