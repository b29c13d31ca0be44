import type { StoredTensor } from "../../formats/safetensors.js";
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
  convert: (name, x, to) => (name.endsWith(".num_batches_tracked") ? counted(x, to) : x),
};

/** The number of batches that the running statistics have seen is an integer there, and a float32 like all else here. */
function counted({ shape, data }: StoredTensor, to: "ours" | "theirs"): StoredTensor {
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  if (to === "theirs")
    return { dtype: "I64", shape, data: BigInt64Array.from(numbers.map((n) => BigInt(Math.round(n)))) };
  return { dtype: "F32", shape, data: Float32Array.from(numbers) };
}
