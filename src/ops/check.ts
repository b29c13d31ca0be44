import { DTypeError, ShapeError } from "../errors.js";
import type { DType } from "../tensor/dtype.js";
import { formatShape, type Shape, sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";

/** Checks that tensors are alive and of one element type. @throws ReleasedError, DTypeError */
export function expectDType(op: string, tensors: Record<string, Tensor | null | undefined>, dtype: DType): void {
  for (const name in tensors) {
    const x = tensors[name];
    if (!x) continue;
    x.expectAlive(op, name);
    if (x.dtype !== dtype) throw new DTypeError(`${op}: ${name} is ${x.describe()}, expected ${dtype}.`);
  }
}

/** Checks an exact shape. @throws ShapeError */
export function expectShape(op: string, name: string, x: Tensor, shape: Shape): void {
  if (sameShape(x.shape, shape)) return;
  throw new ShapeError(`${op}: ${name} is ${formatShape(x.shape)}, expected ${formatShape(shape)}.`);
}

/** Checks that elements lie densely, where a kernel reads them as one array. @throws ShapeError */
export function expectContiguous(op: string, tensors: Record<string, Tensor | null | undefined>): void {
  for (const name in tensors) {
    const x = tensors[name];
    if (x && !x.contiguous)
      throw new ShapeError(`${op}: ${name} ${formatShape(x.shape)} is a strided view. Pass contiguous(x).`);
  }
}
