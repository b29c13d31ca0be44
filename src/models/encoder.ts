import { FormatError } from "../errors.js";
import { unfilled } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import { VisionTransformer } from "./vit.js";

/** What a saved encoder says about itself: enough to build it and to prepare images for it. */
export interface EncoderSpec {
  readonly family: "vit";
  /** Side of the images it was trained on, in pixels. */
  readonly imageSize: number;
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
  /** Per channel, of values scaled to 0…1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A frozen backbone with its spec. */
export interface Encoder {
  readonly backbone: VisionTransformer;
  readonly spec: EncoderSpec;
}

/** The spec of a network, for images normalised with mean and std. */
export function specOf(
  backbone: VisionTransformer,
  normalisation: { mean: readonly number[]; std: readonly number[] },
): EncoderSpec {
  const { attn, mlp, ls1 } = backbone.blocks[0];
  const { patchSize, proj } = backbone.patch_embed;
  const side = Math.round(Math.sqrt(backbone.pos_embed.shape[1] - 1));
  return {
    family: "vit",
    imageSize: side * patchSize,
    patchSize,
    channels: proj.weight.shape[1],
    width: backbone.width,
    depth: backbone.depth,
    headDim: attn.headDim,
    mlpRatio: mlp.fc1.weight.shape[0] / backbone.width,
    layerScale: ls1 !== null,
    qkvBias: attn.qkv.bias !== null,
    projBias: attn.proj.bias !== null,
    ffnBias: mlp.fc1.bias !== null,
    mean: [...normalisation.mean],
    std: [...normalisation.std],
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
  if (spec.family !== "vit")
    throw new FormatError(`encoder: family ${JSON.stringify(spec.family)} is unknown to this version; vit is known.`);
  const backbone = unfilled(
    () => new VisionTransformer({ ...spec, layerScale: spec.layerScale ? 1 : null, rng: new Rng(0) }),
  );
  backbone.loadStateDict(state);
  backbone.requireGrad(false);
  return { backbone, spec };
}

/** A part of an encoder, in place: the same weights seen through narrower views. */
export function sliceEncoder({ backbone, spec }: Encoder, network: { width: number; depth: number }): Encoder {
  return { backbone: backbone.slice(network), spec: { ...spec, width: network.width, depth: network.depth } };
}
