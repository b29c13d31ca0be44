import { ShapeError } from "../errors.js";
import type { Frame } from "../runtime/arena.js";
import { runtime } from "../runtime/context.js";
import { keep } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Storage } from "../tensor/storage.js";
import { setBackward, Tensor } from "../tensor/tensor.js";
import { dropGradient, reusingBuffers, seedGradient } from "./gradient.js";

/** What an op leaves behind for its backward pass. Execution order is a topological order, so a list is enough. */
interface Entry {
  readonly name: string;
  readonly outputs: readonly Storage[];
  readonly backward: () => void;
}

let tape: Entry[] = [];
let recording = true;

/**
 * Notes an op on the tape if a gradient flows to one of its inputs.
 *
 * @param name  the op
 * @param y  its output or outputs, freshly made
 * @param inputs  the tensors it differentiates with respect to; null for an absent one
 * @param backward  writes the inputs' gradients from the outputs' (autograd/gradient.ts)
 * @returns y
 */
export function record<Y extends Tensor | readonly Tensor[]>(
  name: string,
  y: Y,
  inputs: readonly (Tensor | null | undefined)[],
  backward: () => void,
): Y {
  if (!recording || !inputs.some((x) => x?.tracked)) return y;
  const outputs = (y instanceof Tensor ? [y] : (y as readonly Tensor[])).map(({ storage }) => storage);
  for (const storage of outputs) storage.tracked = true;
  tape.push({ name, outputs, backward });
  return y;
}

/** Runs fn without recording: its results carry no gradient. */
export function noGrad<T>(fn: () => T): T {
  const before = recording;
  recording = false;
  try {
    return fn();
  } finally {
    recording = before;
  }
}

/**
 * Differentiates a scalar with respect to everything it was computed from, then forgets the tape: what was recorded so far
 * cannot be differentiated again. Parameters keep their gradients until an optimiser consumes them; several calls add up.
 *
 * @param y  the scalar to differentiate; with a cotangent, a dense tensor of any shape
 * @param cotangent  dL/dy in row-major order; default 1 for a scalar
 * @throws ShapeError if y is not a single number and has no cotangent, is a strided view, or nothing tracked led to it
 */
export function backward(y: Tensor, cotangent?: ArrayLike<number>): void {
  if (y.numel !== 1 && !cotangent) {
    throw new ShapeError(
      `backward: expected a scalar, got ${formatShape(y.shape)}. Reduce it with sum or mean, or pass its cotangent.`,
    );
  }
  if (!y.contiguous) throw new ShapeError(`backward: ${y.describe()} is a strided view. Pass contiguous(x).`);
  if (!y.tracked) {
    throw new ShapeError(
      "backward: no parameter led to this tensor. Was it computed under noGrad, or before an earlier backward()?",
    );
  }
  seedGradient(y, cotangent ?? [1]);
  reusingBuffers(walkBack);
}

/** Runs the backward of every entry of the tape, from its end, and forgets the tape. */
function walkBack(): void {
  const entries = tape;
  tape = [];
  const before = recording;
  recording = false;
  try {
    for (let i = entries.length - 1; i >= 0; i--) {
      const { outputs, backward } = entries[i];
      if (outputs.some((storage) => storage.gradientPresent)) backward();
      for (const storage of outputs) {
        dropGradient(storage);
        storage.tracked = false; // there is no way back behind it any more
      }
    }
  } finally {
    recording = before;
  }
}

setBackward(backward);

/**
 * Runs one step: every tensor made inside is released at its end, also on a throw. Returned tensors (alone, in an array or
 * in a plain object) survive.
 *
 * @throws ShapeError if fn returns a Promise: memory of a step is released when fn returns
 */
export function step<T>(fn: () => T): T {
  const outer = tape;
  tape = [];
  try {
    return inFrame("step", fn);
  } finally {
    tape = outer;
  }
}

/**
 * A nested region: all but the returned tensors is released at once. For inference, where each block's temporaries need not
 * outlive it; what the tape has recorded inside could not be differentiated, so nothing is recorded.
 */
export function scope<T>(fn: () => T): T {
  return noGrad(() => inFrame("scope", fn));
}

/** Whether ops are noted on the tape. */
export function isRecording(): boolean {
  return recording;
}

/**
 * Records fn on a tape of its own and goes backward from its result, inside another backward pass. Everything made meanwhile
 * is released at the end.
 *
 * @param from  runs the backward pass it is given, once the result has its gradient
 */
export function recordAndGoBack(fn: () => Tensor, from: (y: Tensor, goBack: () => void) => void): void {
  step(() => {
    recording = true;
    let y: Tensor;
    try {
      y = fn();
    } finally {
      recording = false;
    }
    from(y, () => reusingBuffers(walkBack));
  });
}

/** `scope` where nothing is recorded, a plain call where it is: bounds the memory of inference without a second forward pass. */
export function scopeUnlessRecording<T>(fn: () => T): T {
  return recording ? fn() : scope(fn);
}

function inFrame<T>(kind: Frame["kind"], fn: () => T): T {
  const arena = runtime().step;
  const frame = arena.open(kind);
  let result: T;
  try {
    result = fn();
    if (result instanceof Promise)
      throw new ShapeError(`${kind}: the function returned a Promise; it must be synchronous. Await data before it.`);
  } catch (error) {
    arena.close(frame);
    throw error;
  }
  return survive(frame, result);
}

/**
 * Closes the frame and moves the tensors in `result` to where it began, or to persistent memory if no frame encloses it. They
 * are plain values from then on: gradients do not cross the end of a frame.
 */
function survive<T>(frame: Frame, result: T): T {
  const { step: arena, heap } = runtime();
  const survivors = tensorsIn(result).filter(({ storage }) => storage.frame === frame);
  if (arena.depth === 1) {
    try {
      return replaceTensors(result, new Map(survivors.map((x) => [x, keep(x)])));
    } finally {
      arena.close(frame);
    }
  }
  const storages = [...new Set(survivors.map(({ storage }) => storage))].sort((a, b) => a.ptr - b.ptr);
  arena.close(frame);
  // In ascending order each storage moves down or stays, so no survivor is overwritten before it has moved.
  for (const storage of storages) {
    const to = arena.allocate(storage.sizeBytes);
    if (to !== storage.ptr) heap.copy(to, storage.ptr, storage.sizeBytes);
    storage.ptr = to;
    storage.frame = arena.current;
    storage.tracked = false;
    storage.gradient = null;
    storage.gradientPresent = false;
  }
  return result;
}

function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  if (isPlainObject(value)) return Object.values(value).flatMap(tensorsIn);
  return [];
}

function replaceTensors<T>(value: T, kept: Map<Tensor, Tensor>): T {
  if (value instanceof Tensor) return (kept.get(value) ?? value) as T;
  if (Array.isArray(value)) return value.map((entry) => replaceTensors(entry, kept)) as T;
  if (isPlainObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, replaceTensors(entry, kept)])) as T;
  return value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
