import { FormatError } from "../errors.js";
import { valuesOf } from "../formats/int8.js";
import { type StoredTensor, toFloat32 } from "../formats/safetensors.js";

/** Behind the name of a tensor of eight bits: what one step of each row is worth. */
export const SCALE = ".scale";

/** The tensors of a network in a file, as numbers. */
export interface StoredWeights {
  readonly state: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  /** Names of those that the file holds in eight bits. */
  readonly int8: readonly string[];
}

/**
 * Reads stored tensors of any width; those of eight bits come with a tensor of scales, one to a row.
 *
 * @param label  of the file, for messages
 * @throws FormatError if a scale is missing or of another length; DTypeError for other integers
 */
export function storedWeights(label: string, tensors: ReadonlyMap<string, StoredTensor>): StoredWeights {
  const int8 = [...tensors].filter(([, { dtype }]) => dtype === "I8").map(([name]) => name);
  const scales = new Set(int8.map((name) => name + SCALE));
  const state = [...tensors]
    .filter(([name]) => !scales.has(name))
    .map(([name, tensor]) => [name, { shape: tensor.shape, data: numbersOf(label, name, tensors) }] as const);
  return { state: new Map(state), int8 };
}

function numbersOf(label: string, name: string, tensors: ReadonlyMap<string, StoredTensor>): Float32Array {
  const tensor = tensors.get(name)!;
  if (tensor.dtype !== "I8") return toFloat32(tensor);
  const scale = tensors.get(name + SCALE);
  if (scale?.dtype !== "F32" || scale.data.length !== tensor.shape[0])
    throw new FormatError(`${label}: ${name} is of eight bits, and ${name}${SCALE} has not one scale for each row.`);
  return valuesOf({ data: tensor.data as Int8Array, scales: scale.data as Float32Array });
}
