import type { Network } from "../elastic/space.js";
import { FormatError } from "../errors.js";
import { withoutSliceScale } from "../nn/slice-scale.js";
import { unfilled } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import { architectureOf } from "./architecture.js";
import type { Backbone } from "./backbone.js";
import type { EncoderSpec, ImageContract } from "./encoder-spec.js";
import { ResNet } from "./resnet.js";
import { SwinTransformer } from "./swin.js";
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
 * @param options.dropPathRate  of stochastic depth in the last block of a transformer; it rises linearly from 0 in the first
 * @throws FormatError for a family that this version does not know
 * @throws ShapeError if the numbers of the spec do not fit together
 */
export function buildBackboneOf(spec: EncoderSpec, { dropPathRate = 0 } = {}): Backbone {
  const backbone = newBackbone(spec, dropPathRate);
  return spec.sliceScale === false ? withoutSliceScale(backbone) : backbone;
}

function newBackbone(spec: EncoderSpec, dropPathRate: number): Backbone {
  const rng = new Rng(0);
  switch (spec.family) {
    case "vit":
      return new VisionTransformer({
        ...spec,
        layerScale: spec.layerScale ? 1 : null,
        dropPathRate,
        dropPathUniform: false,
        rng,
      });
    case "swin":
      return new SwinTransformer({ ...spec, dropPathRate, rng });
    case "resnet":
      return new ResNet({ ...spec, rng });
    default:
      throw new FormatError(
        `encoder: family ${JSON.stringify((spec as EncoderSpec).family)} is unknown to this version; vit, swin and resnet are known.`,
      );
  }
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
  try {
    backbone.loadStateDict(state);
  } catch (error) {
    backbone.dispose();
    throw error;
  }
  backbone.requireGrad(false);
  return { backbone, spec };
}

/**
 * An encoder's network with weights of its own, to be trained on; the encoder stays as it is.
 *
 * @param options.dropPathRate  as in `buildBackboneOf`
 */
export function trainableCopy({ backbone, spec }: Encoder, options: { dropPathRate?: number } = {}): Backbone {
  const dense = backbone.materialize();
  const state = [...dense.stateDict()].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }] as const);
  dense.dispose();
  const copy = unfilled(() => buildBackboneOf(spec, options));
  copy.loadStateDict(new Map(state));
  return copy;
}

/** A part of an encoder, in place: the same weights seen through narrower views. */
export function sliceEncoder({ backbone, spec }: Encoder, { width, depth }: Omit<Network, "name">): Encoder {
  const part = backbone.slice({ width, depth });
  return { backbone: part, spec: specOf(part, spec) };
}
