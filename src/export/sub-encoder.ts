import { resnetSpace, type SearchSpace, swinSpace, vitSpace } from "../elastic/space.js";
import { type Encoder, sliceEncoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";

/**
 * A sub-network of a full POA network that came without its search space, as a network of its own: any width and depth that can be
 * cut from it.
 *
 * @param name  "384x12", "small", "64x4x6", "R50"
 * @throws ConfigError for a network that the full one does not hold
 */
export function subEncoder(full: Encoder, name: string): Encoder {
  const { backbone, spec } = sliceEncoder(full, everyPart(full.spec).parse(name));
  return { backbone: backbone.materialize(), spec };
}

function everyPart(spec: EncoderSpec): SearchSpace {
  const { width } = spec;
  switch (spec.family) {
    case "vit":
      return vitSpace({
        minWidth: spec.headDim,
        maxWidth: width,
        headDim: spec.headDim,
        minDepth: 1,
        maxDepth: spec.depth,
      });
    case "swin":
      return swinSpace({
        minWidth: spec.headDim,
        maxWidth: width,
        headDim: spec.headDim,
        minDepth: 1,
        maxDepths: spec.depths,
      });
    case "resnet": {
      const [first, , , last] = spec.depths;
      const minDepths = [first, 1, 1, last];
      return resnetSpace({ baseChannels: width / 2, groups: spec.groups, minDepths, maxDepths: spec.depths });
    }
  }
}
