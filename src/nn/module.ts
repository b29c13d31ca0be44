import { ShapeError } from "../errors.js";
import { keep } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";

const buffers = new WeakSet<Tensor>();

/** Marks a tensor as state that is saved but not trained. */
export function buffer(x: Tensor): Tensor {
  buffers.add(x);
  return x;
}

/**
 * A part of a network. Its fields are walked in the order of their declaration: a Tensor is a parameter (or a `buffer()`), a
 * Module a child, an array of Modules numbered children. Names join with dots, so they are those of a PyTorch checkpoint.
 */
export abstract class Module {
  /** Every tensor of this module and its children with its path. */
  namedTensors(prefix = ""): [string, Tensor][] {
    const found: [string, Tensor][] = [];
    this.collect(prefix, found);
    return found;
  }

  private collect(prefix: string, found: [string, Tensor][]): void {
    for (const key of Object.keys(this)) {
      const value: unknown = this[key as keyof this];
      if (value instanceof Tensor) found.push([prefix + key, value]);
      else if (value instanceof Module) value.collect(`${prefix}${key}.`, found);
      else if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++)
          if (value[i] instanceof Module) value[i].collect(`${prefix}${key}.${i}.`, found);
      }
    }
  }

  /** Parameters with their paths, buffers left out. */
  namedParameters(): [string, Tensor][] {
    return this.namedTensors().filter(([, x]) => !buffers.has(x));
  }

  /** All parameters in order, those of parts included; buffers are none. */
  parameters(): Tensor[] {
    return this.namedParameters().map(([, x]) => x);
  }

  /** Number of trained scalars. */
  get parameterCount(): number {
    return this.parameters().reduce((sum, x) => sum + x.numel, 0);
  }

  /** Whether gradients flow to the parameters; a teacher is frozen. Returns this module. */
  requireGrad(required: boolean): this {
    for (const x of this.parameters()) x.storage.tracked = required;
    return this;
  }

  /** All tensors by path: what a checkpoint holds. */
  stateDict(): Map<string, Tensor> {
    return new Map(this.namedTensors());
  }

  /**
   * Copies values into the tensors of the same path.
   *
   * @param state  values in row-major order with their shapes, by path
   * @throws ShapeError listing every missing, unexpected and misshapen entry; nothing is changed then
   */
  loadStateDict(state: ReadonlyMap<string, { shape: readonly number[]; data: ArrayLike<number> }>): void {
    const own = this.stateDict();
    const problems = [
      ...[...own.keys()].filter((name) => !state.has(name)).map((name) => `missing ${name}`),
      ...[...state.keys()].filter((name) => !own.has(name)).map((name) => `unexpected ${name}`),
    ];
    for (const [name, x] of own) {
      const given = state.get(name);
      if (given && formatShape(given.shape) !== formatShape(x.shape)) {
        problems.push(`${name} is ${formatShape(given.shape)}, expected ${formatShape(x.shape)}`);
      } else if (given && given.data.length !== x.numel) {
        problems.push(`${name} has ${given.data.length} values for ${formatShape(x.shape)}`);
      }
    }
    if (problems.length > 0) throw new ShapeError(`loadStateDict: ${problems.join("; ")}.`);
    for (const [name, x] of own) x.write(state.get(name)!.data);
  }

  /** A module of the same class with dense tensors of its own: what a slice becomes when it leaves the full network. */
  materialize(): this {
    const copies = Object.entries(this).map(([key, value]) => [key, materialized(value)]);
    return derive<this>(this, Object.fromEntries(copies) as Partial<this>);
  }

  /** Gives the memory of all tensors back. A slice holds that of the full network. */
  dispose(): void {
    for (const [, x] of this.namedTensors()) x.dispose();
  }
}

function materialized(value: unknown): unknown {
  if (value instanceof Module) return value.materialize();
  if (Array.isArray(value)) return value.map(materialized);
  if (!(value instanceof Tensor)) return value;
  const copy = keep(value);
  copy.storage.tracked = value.tracked;
  if (buffers.has(value)) buffers.add(copy);
  return copy;
}

/** A module of the same class with some fields replaced: how a slice is made without touching the original. */
export function derive<M extends Module>(module: Module, changes: Partial<M>): M {
  return Object.assign(Object.create(Object.getPrototypeOf(module)), module, changes);
}
