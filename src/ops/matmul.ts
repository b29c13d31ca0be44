import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { ShapeError } from "../errors.js";
import { empty } from "../tensor/create.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { expectDType } from "./check.js";
import { batchProduct, product } from "./product.js";

/** A batch of matrices in memory: byte address, strides in elements. */
interface Matrices {
  readonly ptr: number;
  readonly count: number;
  readonly rows: number;
  readonly cols: number;
  readonly rowStride: number;
  readonly colStride: number;
  readonly batchStride: number;
}

/**
 * Matrix product y = a·b, or one for each entry of a leading batch axis. A transposed operand is a permuted view.
 *
 * @param a  [m, k] or [B, m, k]
 * @param b  [k, n] or [B, k, n]
 * @returns y [m, n] or [B, m, n]
 * @throws ShapeError if ranks, batch sizes or inner sizes differ, or an operand has no unit stride in its last two axes
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  expectDType("matmul", { a, b }, "f32");
  expectFit(a, b);
  expectUnitStride("a", a);
  expectUnitStride("b", b);
  const y = empty([...a.shape.slice(0, -1), b.shape[b.shape.length - 1]]);
  multiply(matrices(a), matrices(b), matrices(y), 0);
  return record("matmul", y, [a, b], () => {
    const dy = matrices(y, gradOf(y));
    const da = gradTarget(a);
    if (da) multiply(dy, transpose(matrices(b)), matrices(a, da.ptr), da.beta);
    const db = gradTarget(b);
    if (db) multiply(transpose(matrices(a)), dy, matrices(b, db.ptr), db.beta);
  });
}

/** C = A·B + β·C for each of a batch. */
function multiply(a: Matrices, b: Matrices, c: Matrices, beta: number): void {
  if (c.colStride !== 1) {
    multiply(transpose(b), transpose(a), transpose(c), beta); // rows of C are its columns in memory
    return;
  }
  const call = {
    m: c.rows,
    n: c.cols,
    k: a.cols,
    a: a.ptr,
    aRow: a.rowStride,
    aCol: a.colStride,
    b: b.ptr,
    bRow: b.rowStride,
    bCol: b.colStride,
    beta,
    c: c.ptr,
    ldc: c.rowStride,
  };
  if (c.count === 1) product(call);
  else batchProduct({ ...call, batch: c.count, aStep: a.batchStride, bStep: b.batchStride, cStep: c.batchStride });
}

/** The last two axes of a tensor, or of its gradient at another address. The stride of an axis of size one counts as one. */
function matrices(x: Tensor, ptr = x.ptr): Matrices {
  const { shape, strides } = x;
  const batched = shape.length === 3;
  const [row, col] = batched ? [1, 2] : [0, 1];
  return {
    ptr,
    count: batched ? shape[0] : 1,
    rows: shape[row],
    cols: shape[col],
    rowStride: shape[row] === 1 ? 1 : strides[row],
    colStride: shape[col] === 1 ? 1 : strides[col],
    batchStride: batched ? strides[0] : 0,
  };
}

function transpose({ ptr, count, rows, cols, rowStride, colStride, batchStride }: Matrices): Matrices {
  return { ptr, count, rows: cols, cols: rows, rowStride: colStride, colStride: rowStride, batchStride };
}

function expectFit(a: Tensor, b: Tensor): void {
  const rank = a.shape.length;
  const shapes = () => `matmul: a ${formatShape(a.shape)} and b ${formatShape(b.shape)}`;
  if ((rank !== 2 && rank !== 3) || b.shape.length !== rank) {
    throw new ShapeError(`${shapes()}; expected two matrices or two batches of matrices.`);
  }
  if (rank === 3 && a.shape[0] !== b.shape[0]) {
    throw new ShapeError(`${shapes()} are batches of different size. Repeat the smaller one, or loop over the larger.`);
  }
  if (a.shape[rank - 1] !== b.shape[rank - 2]) {
    throw new ShapeError(
      `${shapes()}; a has ${a.shape[rank - 1]} columns, b has ${b.shape[rank - 2]} rows. Is one of them transposed?`,
    );
  }
}

function expectUnitStride(name: string, { shape, strides }: Tensor): void {
  for (let axis = shape.length - 2; axis < shape.length; axis++) if (shape[axis] === 1 || strides[axis] === 1) return;
  throw new ShapeError(
    `matmul: ${name} ${formatShape(shape)} with strides ${formatShape(strides)} has no unit stride. Pass contiguous(${name}).`,
  );
}
