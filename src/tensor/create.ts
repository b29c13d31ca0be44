import { ShapeError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { kernels } from "../runtime/launch.js";
import { type DType, sizeOf } from "./dtype.js";
import { formatShape, numelOf, type Shape } from "./shape.js";
import { Storage } from "./storage.js";
import { Tensor } from "./tensor.js";

/** Uninitialised memory; of the running step if there is one, else persistent. */
export function empty(shape: Shape, dtype: DType = "f32"): Tensor {
  return new Tensor(Storage.allocate(numelOf(shape) * sizeOf[dtype]), shape, { dtype });
}

/** Uninitialised, dense, in the shape and type of x. */
export function emptyLike(x: Tensor): Tensor {
  return empty(x.shape, x.dtype);
}

/** Every element the same number. */
export function full(shape: Shape, value: number): Tensor {
  const x = empty(shape);
  kernels.fill_f32(x.numel, value, x.ptr);
  return x;
}

/** Every element zero. */
export function zeros(shape: Shape): Tensor {
  return full(shape, 0);
}

/** A tensor with the given elements in row-major order. @throws ShapeError if their number differs from the shape's */
export function fromArray(values: ArrayLike<number>, shape: Shape, dtype: DType = "f32"): Tensor {
  if (values.length !== numelOf(shape)) {
    throw new ShapeError(`fromArray: ${values.length} values for ${formatShape(shape)}, which has ${numelOf(shape)}.`);
  }
  const x = empty(shape, dtype);
  x.write(values);
  return x;
}

/** A persistent, uninitialised tensor, also inside a step. */
export function persistent(shape: Shape, dtype: DType = "f32"): Tensor {
  return new Tensor(Storage.persistent(numelOf(shape) * sizeOf[dtype]), shape, { dtype });
}

/** A persistent dense copy of x, which outlives the running step. */
export function keep(x: Tensor): Tensor {
  const copy = persistent(x.shape, x.dtype);
  copy.name = x.name;
  if (x.contiguous) runtime().heap.copy(copy.ptr, x.ptr, x.numel * sizeOf[x.dtype]);
  else copy.write(x.toArray());
  return copy;
}

/** How far parameters are made: with their start, with memory that holds anything, or as a shape alone. */
let extent: "whole" | "unfilled" | "shape" = "whole";
/** Parameters that the running `unfilled` has made. */
let made: Tensor[] | null = null;

function withExtent<T>(wanted: typeof extent, fn: () => T): T {
  const before = extent;
  extent = wanted;
  try {
    return fn();
  } finally {
    extent = before;
  }
}

/**
 * Runs fn with parameters that have shapes but no memory: a network built inside can be counted and sliced, not run.
 * Needs no runtime.
 */
export function shapesOnly<T>(fn: () => T): T {
  return withExtent("shape", fn);
}

/**
 * Runs fn with parameters that hold anything: a network built inside must have its weights loaded before it is run. If fn
 * throws, as where memory runs out, what it made is given back.
 */
export function unfilled<T>(fn: () => T): T {
  const before = made;
  const own: Tensor[] = [];
  made = own;
  try {
    return withExtent("unfilled", fn);
  } catch (error) {
    for (const x of own) x.dispose();
    throw error;
  } finally {
    made = before;
  }
}

/**
 * A persistent tensor to which gradients flow.
 *
 * @param start  gives the initial elements in row-major order, one call each
 */
export function parameter(shape: Shape, start: () => number): Tensor {
  return filledParameter(shape, (x) => x.write(Float64Array.from({ length: x.numel }, start)));
}

/**
 * A persistent tensor to which gradients flow.
 *
 * @param fill  writes every element of the dense tensor it is given
 */
export function filledParameter(shape: Shape, fill: (x: Tensor) => void): Tensor {
  if (extent === "shape") return new Tensor(Storage.unbacked(4 * numelOf(shape)), shape);
  const x = persistent(shape);
  x.storage.tracked = true;
  made?.push(x);
  if (extent === "whole") fill(x);
  return x;
}
