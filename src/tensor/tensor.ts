import { ReleasedError, ShapeError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { type DType, sizeOf } from "./dtype.js";
import { denseStrides, formatShape, isDense, numelOf, reshapedStrides, type Shape } from "./shape.js";
import type { Storage } from "./storage.js";

/**
 * A storage seen through a shape, strides and an offset. Views share the storage and, with it, the gradient, so every view
 * is free in both directions.
 */
export class Tensor {
  readonly storage: Storage;
  readonly shape: Shape;
  /** In elements, one per axis. */
  readonly strides: Shape;
  /** Elements from the start of the storage. */
  readonly offset: number;
  readonly dtype: DType;
  /** Shown in messages; a parameter has its path here. */
  name = "";

  constructor(
    storage: Storage,
    shape: Shape,
    { strides = denseStrides(shape) as Shape, offset = 0, dtype = "f32" as DType } = {},
  ) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
    this.dtype = dtype;
  }

  /** Number of elements. */
  get numel(): number {
    return numelOf(this.shape);
  }

  /** Whether gradients flow to this tensor. */
  get tracked(): boolean {
    return this.storage.tracked;
  }

  /** Whether elements lie densely in row-major order. */
  get contiguous(): boolean {
    return isDense(this.shape, this.strides);
  }

  /** Byte address of element 0. @throws ReleasedError */
  get ptr(): number {
    this.expectAlive("tensor", "x");
    return this.storage.ptr + this.offset * sizeOf[this.dtype];
  }

  /** @throws ReleasedError naming the operation if the memory has been given back */
  expectAlive(op: string, argument: string): void {
    if (!this.storage.alive) throw new ReleasedError(`${op}: ${argument} ${this.describe()} ${this.storage.fate}`);
  }

  /** Elements start … start+length−1 of one axis. */
  narrow(axis: number, start: number, length: number): Tensor {
    const at = this.axis("narrow", axis);
    if (!(start >= 0 && length >= 0 && start + length <= this.shape[at])) {
      throw new ShapeError(`narrow: ${start}…${start + length} is outside axis ${at} of ${formatShape(this.shape)}.`);
    }
    const shape = [...this.shape].with(at, length);
    return this.view(shape, this.strides, this.offset + start * this.strides[at]);
  }

  /** One element of an axis; the axis disappears. */
  select(axis: number, index: number): Tensor {
    const at = this.axis("select", axis);
    const one = this.narrow(at, index, 1);
    return this.view([...one.shape].toSpliced(at, 1), [...one.strides].toSpliced(at, 1), one.offset);
  }

  /** The same elements in another shape; one size may be −1, for the rest. @throws ShapeError if elements would have to move */
  reshape(shape: Shape): Tensor {
    const known = numelOf(shape.filter((size) => size >= 0));
    const target = shape.map((size) => (size >= 0 ? size : this.numel / known));
    const open = shape.filter((size) => size < 0).length;
    if (open > 1 || numelOf(target) !== this.numel || !target.every(Number.isInteger)) {
      throw new ShapeError(
        `reshape: ${formatShape(this.shape)} has ${this.numel} elements, ${formatShape(shape)} does not fit them.`,
      );
    }
    const strides = this.contiguous ? denseStrides(target) : reshapedStrides(this.shape, this.strides, target);
    if (!strides) {
      throw new ShapeError(
        `reshape: ${formatShape(this.shape)} as ${formatShape(target)} would move elements. Pass contiguous(x).`,
      );
    }
    return this.view(target, strides, this.offset);
  }

  /** Axes in another order: axis i of the result is axis order[i] of this tensor. */
  permute(order: readonly number[]): Tensor {
    if ([...order].sort((a, b) => a - b).some((axis, i) => axis !== i) || order.length !== this.shape.length) {
      throw new ShapeError(
        `permute: ${formatShape(order)} is not an order of the ${this.shape.length} axes of ${formatShape(this.shape)}.`,
      );
    }
    return this.view(
      order.map((axis) => this.shape[axis]),
      order.map((axis) => this.strides[axis]),
      this.offset,
    );
  }

  /** A copy of the elements in row-major order, in the type of the live heap (f32; f64 on a heap of doubles). */
  toArray(): Float32Array | Float64Array | Int32Array | Uint8Array {
    const [source, start] = this.place();
    return this.contiguous ? source.slice(start, start + this.numel) : this.gathered();
  }

  /**
   * The elements as `toArray` gives them, but where they lie if they lie in that order: to be read before the next op, and not
   * to be written.
   */
  peek(): Float32Array | Float64Array | Int32Array | Uint8Array {
    const [source, start] = this.place();
    return this.contiguous ? source.subarray(start, start + this.numel) : this.gathered();
  }

  /**
   * Overwrites the elements from a row-major array. An op that has read them before differentiates with the new ones: write
   * to what is tracked only between steps. @throws ShapeError for another number of values
   */
  write(values: ArrayLike<number>): void {
    if (values.length !== this.numel) {
      throw new ShapeError(`write: ${values.length} values for ${formatShape(this.shape)}, which has ${this.numel}.`);
    }
    const [target, start] = this.place();
    this.storage.dropInt8(); // they are of the numbers before
    if (this.contiguous) target.set(values, start);
    else
      forEachOffset(this.shape, this.strides, (offset, i) => {
        target[start + offset] = values[i];
      });
  }

  /** The only element. @throws ShapeError if there is more than one */
  item(): number {
    if (this.numel !== 1)
      throw new ShapeError(`item: ${formatShape(this.shape)} has ${this.numel} elements, expected one.`);
    return this.toArray()[0];
  }

  /** Gradient of the elements as a copy, clipped if it has been, or null if none has arrived. */
  grad(): Float32Array | Float64Array | null {
    const { gradient, gradientPresent, gradientScale } = this.storage;
    if (!gradient || !gradientPresent) return null;
    const view = new Tensor(gradient, this.shape, { strides: this.strides, offset: this.offset });
    const values = view.toArray() as Float32Array | Float64Array;
    return gradientScale === 1 ? values : values.map((value) => gradientScale * value);
  }

  /**
   * Differentiates this scalar with respect to every tracked tensor it was computed from.
   *
   * @param cotangent  dL/dthis in row-major order, for a dense tensor that is not a scalar
   */
  backward(cotangent?: ArrayLike<number>): void {
    differentiate(this, cotangent);
  }

  /** Gives persistent memory back; tensors of a step need no call. */
  dispose(): void {
    this.storage.release();
  }

  /** Readable form for messages: name [8, 197] f32. */
  describe(): string {
    return `${this.name ? `${this.name} ` : ""}${formatShape(this.shape)} ${this.dtype}`;
  }

  private view(shape: Shape, strides: Shape, offset: number): Tensor {
    const view = new Tensor(this.storage, shape, { strides, offset, dtype: this.dtype });
    view.name = this.name;
    return view;
  }

  /** The array of the live heap that holds the elements, and the index of the first. */
  private place(): [Float32Array | Float64Array | Int32Array | Uint8Array, number] {
    const start = this.ptr / sizeOf[this.dtype]; // first, since it says if the tensor is gone
    const { heap } = runtime();
    return [this.dtype === "u8" ? heap.u8 : this.dtype === "i32" ? heap.i32 : heap.f32, start];
  }

  private gathered(): Float32Array | Float64Array | Int32Array | Uint8Array {
    const [source, start] = this.place();
    const array = source.slice(0, 0).constructor as new (n: number) => typeof source;
    const copy = new array(this.numel);
    forEachOffset(this.shape, this.strides, (offset, i) => {
      copy[i] = source[start + offset];
    });
    return copy;
  }

  private axis(op: string, axis: number): number {
    const at = axis < 0 ? axis + this.shape.length : axis;
    if (!(at >= 0 && at < this.shape.length))
      throw new ShapeError(`${op}: ${formatShape(this.shape)} has no axis ${axis}.`);
    return at;
  }
}

let differentiate: (y: Tensor, cotangent?: ArrayLike<number>) => void;

/** The tape (one layer up) puts the backward pass here, so that `loss.backward()` reads as usual. */
export function setBackward(backward: typeof differentiate): void {
  differentiate = backward;
}

function forEachOffset(shape: Shape, strides: Shape, visit: (offset: number, i: number) => void): void {
  const index = shape.map(() => 0);
  const numel = numelOf(shape);
  let offset = 0;
  for (let i = 0; i < numel; i++) {
    visit(offset, i);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis];
      if (++index[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
