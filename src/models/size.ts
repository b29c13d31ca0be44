import type { Backbone } from "./backbone.js";

/** What a network costs. */
export interface NetworkSize {
  /** Parameters of the backbone without the mask token, which only training uses. */
  readonly params: number;
  /** Multiply-adds of one image of the training size. */
  readonly macs: number;
}

/** The size of a backbone or of a part of one. */
export function sizeOfNetwork(backbone: Backbone, imageSize: number): NetworkSize {
  const params = backbone
    .namedParameters()
    .filter(([name]) => name !== "mask_token")
    .reduce((sum, [, x]) => sum + x.numel, 0);
  return { params, macs: backbone.multiplyAdds(imageSize) };
}
