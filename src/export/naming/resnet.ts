import { type Naming, namingOf } from "./naming.js";

/**
 * ResNets with bottlenecks of torchvision and timm. Both call every normalisation `bn`, whatever it is; batch statistics are
 * there if it is batch normalisation.
 */
export const stockResnet: Naming = {
  ...namingOf([
    ["conv1.*", "conv1.*"],
    ["bn1.*", "norm1.*"],
    ["layer#.#.conv#.*", "layer#.layers.#.conv#.*"],
    ["layer#.#.bn#.*", "layer#.layers.#.norm#.*"],
    ["layer#.#.downsample.#.*", "layer#.layers.#.downsample.#.*"],
  ]),
  computed: /\.num_batches_tracked$/,
};
