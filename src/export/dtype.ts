import { NumericError } from "../errors.js";
import { LARGEST_HALF, numberToHalf } from "../formats/half.js";
import { roundRows } from "../formats/int8.js";
import type { StoredTensor } from "../formats/safetensors.js";
import { SCALE } from "../models/stored-weights.js";
import type { Module } from "../nn/module.js";

/** Types in which the weights of an exported encoder can be kept. */
export type ExportDType = "f32" | "f16";

export const exportDTypes: readonly ExportDType[] = ["f32", "f16"];

/** Those of an edge bundle. */
export type BundleDType = ExportDType | "int8";

export const bundleDTypes: readonly BundleDType[] = [...exportDTypes, "int8"];

/**
 * The tensors of a network for a file. With f16 those of two axes or more are rounded; biases, norms and statistics, few
 * numbers of any size, stay f32. With int8 the weights of linear layers and convolutions are, but for the first layer,
 * which sees pixels and has few weights; each output of them has a scale beside it.
 *
 * @throws NumericError for a number beyond half precision, of int8 for one that is not finite
 */
export function storedState(network: Module, dtype: BundleDType): Map<string, StoredTensor> {
  const state = new Map<string, StoredTensor>();
  for (const [name, x] of network.namedTensors()) {
    const data = x.toArray() as Float32Array;
    if (dtype === "int8" && isProduct(name, x.shape)) {
      if (!data.every(Number.isFinite))
        throw new NumericError(`export: ${name} holds a number that is not finite, and int8 has none such. Use f32.`);
      const { data: rounded, scales } = roundRows(data, x.shape[0]);
      state.set(name, { dtype: "I8", shape: x.shape, data: rounded });
      state.set(name + SCALE, { dtype: "F32", shape: [x.shape[0]], data: scales });
      continue;
    }
    const half = dtype === "f16" && x.shape.length >= 2;
    state.set(
      name,
      half ? { dtype: "F16", shape: x.shape, data: halvesOf(name, data) } : { dtype: "F32", shape: x.shape, data },
    );
  }
  return state;
}

const FIRST_LAYER = /^(patch_embed|conv1)\./;

/** Whether a tensor is the weight of a linear layer or a convolution behind the first layer. */
function isProduct(name: string, shape: readonly number[]): boolean {
  return name.endsWith(".weight") && shape.length >= 2 && !FIRST_LAYER.test(name);
}

/** Numbers rounded to half precision. @throws NumericError for one that is beyond it */
export function halvesOf(name: string, values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i]) <= LARGEST_HALF))
      throw new NumericError(`export: ${name} holds ${values[i]}, and f16 ends at ${LARGEST_HALF}. Use f32.`);
    halves[i] = numberToHalf(values[i]);
  }
  return halves;
}
