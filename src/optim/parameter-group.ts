import { ConfigError } from "../errors.js";
import { Tensor } from "../tensor/tensor.js";

/** A parameter with its path in the model. */
export interface NamedParameter {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Parameters that share their multipliers. */
export interface ParameterGroup {
  readonly parameters: readonly NamedParameter[];
  /** Factor of the learning rate. */
  readonly lrMultiplier: number;
  /** Factor of the weight decay. */
  readonly wdMultiplier: number;
  /** Whether the learning rate of the last layer applies, which is zero while that layer is frozen. */
  readonly isLastLayer: boolean;
}

/** What an optimiser accepts: groups, or tensors that form one group. */
export type OptimizedParameters = readonly ParameterGroup[] | readonly Tensor[];

/**
 * The groups that an optimiser works on. Bare tensors form one group of multipliers 1; each is known by its own name, or else
 * by its place.
 *
 * @throws ConfigError for a parameter or a name that comes twice, or one that is not a dense f32 tensor
 */
export function asGroups(optimizer: string, parameters: OptimizedParameters): readonly ParameterGroup[] {
  const groups = isBare(parameters)
    ? [{ parameters: parameters.map(nameTensor), lrMultiplier: 1, wdMultiplier: 1, isLastLayer: false }]
    : parameters;
  const names = new Set<string>();
  const storages = new Set<unknown>();
  for (const { name, tensor } of groups.flatMap((group) => group.parameters)) {
    if (names.has(name)) throw new ConfigError(`${optimizer}: two parameters are named ${name}. Give each its path.`);
    if (storages.has(tensor.storage)) throw new ConfigError(`${optimizer}: ${name} comes twice. List it once.`);
    if (tensor.dtype !== "f32" || !tensor.contiguous) {
      throw new ConfigError(`${optimizer}: ${name} ${tensor.describe()} must be a dense f32 tensor, not a view.`);
    }
    names.add(name);
    storages.add(tensor.storage);
  }
  return groups;
}

function isBare(parameters: OptimizedParameters): parameters is readonly Tensor[] {
  return parameters[0] instanceof Tensor;
}

function nameTensor(tensor: Tensor, at: number): NamedParameter {
  return { name: tensor.name || `${at}`, tensor };
}

/**
 * The gradient of a parameter, which counts as absent from then on: the next step starts afresh.
 *
 * @returns pointer and the factor that clipping has set on it, or null if no gradient has arrived
 */
export function takeGradient({ storage, offset }: Tensor): { ptr: number; scale: number } | null {
  if (!storage.gradient || !storage.gradientPresent) return null;
  storage.gradientPresent = false;
  return { ptr: storage.gradient.ptr + 4 * offset, scale: storage.gradientScale };
}
