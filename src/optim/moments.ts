import { ShapeError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { kernels } from "../runtime/launch.js";
import { formatShape, numelOf, type Shape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { persistentZeros } from "./optimizer-state.js";

/** Numbers that kernels see at a time of moments outside of linear memory: two windows of 1 MiB stay in the cache. */
const WINDOW = 1 << 18;

/** A moment as a checkpoint sees it; a tensor is one. */
export interface StateTensor {
  readonly shape: Shape;
  readonly dtype: Tensor["dtype"];
  /** A copy of all elements in row-major order. */
  toArray(): ReturnType<Tensor["toArray"]>;
  /** The same where they lie, to be read before the next change. */
  peek(): ReturnType<Tensor["toArray"]>;
  /** The only element. @throws ShapeError if there is more than one */
  item(): number;
  /** @throws ShapeError for another number of values */
  write(values: ArrayLike<number>): void;
  /** Gives its memory back. */
  dispose(): void;
}

/** The two moments of a parameter. */
export interface Moments {
  readonly mean: StateTensor;
  readonly square: StateTensor;
  /**
   * Lets an elementwise kernel change them, in one run over all elements or in several.
   *
   * @param change  is told where the moments of elements first … first+count−1 lie
   */
  update(change: (run: MomentRun) => void): void;
}

/** Moments of some elements of a parameter in linear memory. */
export interface MomentRun {
  readonly first: number;
  readonly count: number;
  /** Byte addresses. */
  readonly mean: number;
  readonly square: number;
}

/** Moments in linear memory, zero at first. */
export function memoryMoments(shape: Shape): Moments {
  const [mean, square] = [persistentZeros(shape), persistentZeros(shape)];
  const run = { first: 0, count: mean.numel };
  return { mean, square, update: (change) => change({ ...run, mean: mean.ptr, square: square.ptr }) };
}

/**
 * Moments in ordinary arrays, zero at first, which pass through linear memory a window at a time. Their kernel is elementwise,
 * so its bits do not depend on where windows end.
 */
export function hostMoments(shape: Shape): Moments {
  const [mean, square] = [new HostTensor(shape), new HostTensor(shape)];
  const numel = numelOf(shape);
  const update: Moments["update"] = (change) => {
    const arena = runtime().step;
    const frame = arena.open("scope");
    try {
      const bytes = 4 * Math.min(numel, WINDOW);
      const [meanAt, squareAt] = [arena.allocate(bytes), arena.allocate(bytes)];
      for (let first = 0; first < numel; first += WINDOW) {
        const count = Math.min(WINDOW, numel - first);
        mean.load(first, count, meanAt);
        square.load(first, count, squareAt);
        change({ first, count, mean: meanAt, square: squareAt });
        mean.store(first, count, meanAt);
        square.store(first, count, squareAt);
      }
    } finally {
      arena.close(frame);
    }
  };
  return { mean, square, update };
}

/** Numbers of a shape outside of linear memory. */
class HostTensor implements StateTensor {
  readonly shape: Shape;
  readonly dtype = "f32";
  /** Made by the first update. */
  private numbers: Float32Array | Float64Array | null = null;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  load(first: number, count: number, to: number): void {
    if (!this.numbers) kernels.fill_f32(count, 0, to);
    else runtime().heap.f32.set(this.numbers.subarray(first, first + count), to / 4);
  }

  store(first: number, count: number, from: number): void {
    this.held().set(runtime().heap.f32.subarray(from / 4, from / 4 + count), first);
  }

  toArray(): Float32Array | Float64Array {
    return this.held().slice();
  }

  peek(): Float32Array | Float64Array {
    return this.held();
  }

  item(): number {
    if (numelOf(this.shape) !== 1) throw new ShapeError(`item: ${formatShape(this.shape)} has more than one element.`);
    return this.held()[0];
  }

  write(values: ArrayLike<number>): void {
    if (values.length !== numelOf(this.shape))
      throw new ShapeError(`write: ${values.length} values for ${formatShape(this.shape)}.`);
    this.held().set(values);
  }

  dispose(): void {
    this.numbers = null;
  }

  private held(): Float32Array | Float64Array {
    this.numbers ??= runtime().outside(numelOf(this.shape));
    return this.numbers;
  }
}
