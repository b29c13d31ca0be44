import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { DTypeError } from "../errors.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { denseStrides, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Where the elements of a strided block lie. */
export interface Place {
  /** Byte address of element 0. */
  readonly ptr: number;
  /** In elements, one per axis. */
  readonly strides: Shape;
}

interface Axis {
  size: number;
  from: number;
  to: number;
}

/** The most axes that copy_f32 takes. */
const KERNEL_RANK = 4;

/**
 * to = from + β·to, element by element, between two layouts of one shape of 32-bit elements.
 *
 * @param shape  any rank; axes that lie densely behind one another in both layouts are walked as one
 * @param from  may have strides of 0, which repeat elements
 * @param beta  0 overwrites, 1 accumulates
 */
export function copyStrided(shape: Shape, from: Place, to: Place, beta: 0 | 1): void {
  if (shape.includes(0)) return;
  copyAxes(mergedAxes(shape, from.strides, to.strides), from.ptr, to.ptr, beta);
}

function copyAxes(axes: readonly Axis[], from: number, to: number, beta: 0 | 1): void {
  if (axes.length > KERNEL_RANK) {
    const [outer, ...inner] = axes;
    for (let i = 0; i < outer.size; i++) copyAxes(inner, from + 4 * i * outer.from, to + 4 * i * outer.to, beta);
    return;
  }
  // The kernel divides its first axis among threads and walks the last two together.
  const one: Axis = { size: 1, from: 0, to: 0 };
  const lead = axes.length > 1 ? axes[0] : one;
  const rest = axes.slice(axes.length > 1 ? 1 : 0);
  const [a, b, c, d] = [lead, ...Array.from({ length: KERNEL_RANK - 1 - rest.length }, () => one), ...rest];
  kernels.copy_f32(
    a.size,
    b.size,
    c.size,
    d.size,
    from,
    a.from,
    b.from,
    c.from,
    d.from,
    beta,
    to,
    a.to,
    b.to,
    c.to,
    d.to,
  );
}

function mergedAxes(shape: Shape, from: Shape, to: Shape): Axis[] {
  const axes: Axis[] = [];
  shape.forEach((size, i) => {
    if (size === 1) return;
    const outer = axes.at(-1);
    if (outer && outer.from === from[i] * size && outer.to === to[i] * size) {
      axes[axes.length - 1] = { size: outer.size * size, from: from[i], to: to[i] };
    } else {
      axes.push({ size, from: from[i], to: to[i] });
    }
  });
  return axes;
}

/**
 * The same elements in dense row-major order: x itself where they already lie so, else a copy. Any shape, f32 or i32.
 *
 * @throws DTypeError for a strided u8 tensor
 */
export function contiguous(x: Tensor): Tensor {
  x.expectAlive("contiguous", "x");
  if (x.contiguous) return x;
  if (x.dtype === "u8")
    throw new DTypeError(`contiguous: x is ${x.describe()} with strides, expected f32 or i32. Copy bytes on the host.`);
  const y = empty(x.shape, x.dtype);
  const dense = denseStrides(x.shape);
  copyStrided(x.shape, x, { ptr: y.ptr, strides: dense }, 0);
  return record("contiguous", y, [x], () => {
    const dx = gradTarget(x);
    if (dx) copyStrided(x.shape, { ptr: gradOf(y), strides: dense }, { ptr: dx.ptr, strides: x.strides }, dx.beta);
  });
}
