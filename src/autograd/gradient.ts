import { kernels } from "../runtime/launch.js";
import { fromArray } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import { Storage } from "../tensor/storage.js";
import type { Tensor } from "../tensor/tensor.js";

/** Where a backward kernel writes: with beta 0 it overwrites without reading, with beta 1 it accumulates. */
export interface GradientTarget {
  readonly ptr: number;
  readonly beta: 0 | 1;
}

const coversStorage = (x: Tensor) => x.contiguous && x.numel * sizeOf[x.dtype] === x.storage.sizeBytes;

/**
 * Where dL/dx goes, laid out with x's strides. The caller must write every element of x.
 *
 * @returns pointer and beta, or null if x needs no gradient
 */
export function gradTarget(x: Tensor | null | undefined): GradientTarget | null {
  if (!x?.storage.tracked) return null;
  const { storage } = x;
  const [gradient, present] = openGradient(storage);
  const ptr = gradient.ptr + 4 * x.offset;
  if (!present && coversStorage(x)) return { ptr, beta: 0 };
  const numbers = storage.sizeBytes / 4;
  if (!present) kernels.fill_f32(numbers, 0, gradient.ptr);
  else if (storage.gradientScale !== 1) {
    // Clipped before: what comes now is not to be scaled with it.
    kernels.scale_f32(numbers, storage.gradientScale, gradient.ptr, 0, gradient.ptr);
    storage.gradientScale = 1;
  }
  return { ptr, beta: 1 };
}

/** The buffer of a storage's gradient and whether it held values until now; it counts as holding them from now on. */
function openGradient(storage: Storage): [Storage, boolean] {
  // A buffer that an inner step made has ended with it.
  const held = storage.gradient?.alive ? storage.gradient : null;
  const present = held !== null && storage.gradientPresent;
  storage.gradient = held ?? reusable(storage) ?? Storage.like(storage);
  storage.gradientPresent = true;
  if (!present) storage.gradientScale = 1;
  return [storage.gradient, present];
}

/** Buffers of step memory whose gradient has been used up in the running backward pass, by size in bytes. */
let spent = new Map<number, Storage[]>();

/** Layers repeat their sizes, so the gradients of one layer find room, still cached, in those of the layer above. */
function reusable({ frame, sizeBytes }: Storage): Storage | undefined {
  return frame ? spent.get(sizeBytes)?.pop() : undefined;
}

/** Drops the gradient of an op's output, dead once its own backward has run. */
export function dropGradient(storage: Storage): void {
  const { gradient } = storage;
  storage.gradientPresent = false;
  if (!storage.frame) return; // persistent buffers stay with their storage
  storage.gradient = null;
  if (gradient?.alive) release(gradient);
}

function release(buffer: Storage): void {
  const others = spent.get(buffer.sizeBytes);
  if (others) others.push(buffer);
  else spent.set(buffer.sizeBytes, [buffer]);
}

/** Runs a backward pass that reuses its own buffers and no others: those of one that it interrupts outlive it. */
export function reusingBuffers(pass: () => void): void {
  const outer = spent;
  spent = new Map();
  try {
    pass();
  } finally {
    spent = outer;
  }
}

/**
 * Runs a backward pass that ends with its own memory inside another, from `again` on, which is computed like y: the gradient
 * of y is given to it, and there is room outside for the gradients of what both were computed from.
 */
export function passOn(y: Storage, again: Storage, inputs: readonly Storage[], pass: () => void): void {
  const { gradient } = y;
  [again.gradient, again.gradientPresent, again.gradientScale] = [gradient, y.gradientPresent, y.gradientScale];
  [y.gradient, y.gradientPresent] = [null, false];
  pass();
  // Unless it was handed over, the buffer is as free now as after any other backward.
  if (!inputs.some((x) => x.gradient === gradient)) y.gradient = gradient;
}

/** Room for a gradient, made before an inner step that would take it along at its end. Calling the result frees what is not used. */
export function reserveGradient(storage: Storage): () => void {
  if (!storage.tracked || !storage.frame || storage.gradient?.alive) return () => {};
  const room = reusable(storage) ?? Storage.like(storage);
  [storage.gradient, storage.gradientPresent] = [room, false];
  return () => {
    if (storage.gradient !== room) release(room);
  };
}

/** Pointer to dL/dy, laid out with y's strides; zeros if nothing has arrived at an output of several. */
export function gradOf(y: Tensor): number {
  const { storage } = y;
  const [gradient, present] = openGradient(storage);
  if (!present) kernels.fill_f32(storage.sizeBytes / 4, 0, gradient.ptr);
  return gradient.ptr + 4 * y.offset;
}

/**
 * Gives the buffer of dL/dy to x, where dL/dx = dL/dy and nothing has arrived at x yet. Sound because y's gradient is dead
 * once the backward that calls this has run; it must be the last use of it.
 *
 * @returns false if x must be written through gradTarget instead
 */
export function handOver(x: Tensor, y: Tensor): boolean {
  const [to, from] = [x.storage, y.storage];
  if (!to.tracked || to.gradientPresent || !to.frame || !from.gradient || !coversStorage(x) || !coversStorage(y))
    return false;
  if (to.sizeBytes !== from.sizeBytes) return false;
  // A buffer of an inner step would end before x.
  if (to.frame !== from.frame && to.frame !== from.gradient.frame) return false;
  to.gradient = from.gradient;
  to.gradientPresent = true;
  to.gradientScale = 1;
  from.gradient = null;
  from.gradientPresent = false;
  return true;
}

/** Starts a backward pass with dL/dy given. */
export function seedGradient(y: Tensor, cotangent: ArrayLike<number>): void {
  const seed = fromArray(cotangent, y.shape);
  const target = gradTarget(y);
  if (target) kernels.scale_f32(y.numel, 1, seed.ptr, target.beta, target.ptr);
  seed.dispose();
}
