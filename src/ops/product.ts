import { runtime } from "../runtime/context.js";
import { kernels } from "../runtime/launch.js";

/** Columns of a packed panel (assembly/pack.ts). */
const PANEL_COLUMNS = 8;
/** The most terms that one kernel call sums (assembly/gemm.ts). */
const BLOCK_DEPTH = 384;
/** The most columns of B packed at once: a packed block (1.5 MiB) is used while most of it is still in the cache. */
const BLOCK_COLUMNS = 1024;
/** With few rows packing is much of the work; half as wide a block is still in the second cache, which gains 2 %. */
const FEW = { rows: 256, blockColumns: 512 };

/** C = α·A·B + bias + β·C. Matrices are given by the byte address of their first element and strides in elements. */
export interface Product {
  /** Rows of A and C. */
  m: number;
  /** Columns of B and C. */
  n: number;
  /** Columns of A, rows of B. */
  k: number;
  alpha?: number;
  a: number;
  aRow: number;
  aCol: number;
  b: number;
  bRow: number;
  bCol: number;
  /** n numbers added to every row; only where beta is 0. */
  bias?: number;
  /** 0 overwrites C without reading it, 1 adds to it. */
  beta: number;
  c: number;
  /** Elements from one row of C to the next; a row of C has unit stride. */
  ldc: number;
}

/**
 * Multiplies two matrices of any strides. B is packed in blocks, into temporary step memory that never exceeds one block: a
 * long sum or a wide result needs no more memory than a short and narrow one.
 */
export function product({ m, n, k, alpha = 1, a, aRow, aCol, b, bRow, bCol, bias = 0, beta, c, ldc }: Product): void {
  const depth = evenBlock(k, BLOCK_DEPTH);
  const width = evenBlock(n, m <= FEW.rows ? FEW.blockColumns : BLOCK_COLUMNS);
  const arena = runtime().step;
  const frame = arena.open("scope");
  try {
    const packed = arena.allocate(4 * depth * width);
    for (let j = 0; j < n; j += width) {
      const columns = Math.min(width, n - j);
      const panels = Math.ceil(columns / PANEL_COLUMNS);
      for (let p = 0; p === 0 || p < k; p += depth) {
        const terms = Math.min(depth, k - p);
        const first = p === 0;
        const biasPart = bias !== 0 && first ? bias + 4 * j : 0;
        kernels.pack_b_f32(panels, terms, columns, b + 4 * (p * bRow + j * bCol), bRow, bCol, packed);
        kernels.gemm_f32(
          m,
          columns,
          terms,
          alpha,
          a + 4 * p * aCol,
          aRow,
          aCol,
          packed,
          biasPart,
          first ? beta : 1,
          c + 4 * j,
          ldc,
        );
      }
    }
  } finally {
    arena.close(frame);
  }
}

/** The size of equal blocks that cover an axis, none larger than the limit; a multiple of eight. */
function evenBlock(size: number, limit: number): number {
  const blocks = Math.max(1, Math.ceil(size / limit));
  return Math.max(8, Math.ceil(size / blocks / 8) * 8);
}

/** Matrices t of a batch: C_t = A_t·B_t + β·C_t; steps in elements from one matrix to the next. */
export interface BatchProduct extends Omit<Product, "alpha" | "bias"> {
  batch: number;
  aStep: number;
  bStep: number;
  cStep: number;
}

/** What a kernel may pack of one B: what strips of A and a tile leave of its 4 MiB of working memory, in numbers. */
const PACKED_NUMBERS = 3 << 18;

/**
 * Multiplies the matrices of a batch: small ones in one call, so that threads take whole matrices and none is dispatched on
 * its own; large ones one after the other. The bits are those of `product`.
 */
export function batchProduct(call: BatchProduct): void {
  const { batch, m, n, k, a, aStep, aRow, aCol, b, bStep, bRow, bCol, beta, c, cStep, ldc } = call;
  const fits = 8 * Math.ceil(n / PANEL_COLUMNS) * k <= PACKED_NUMBERS;
  if (k > BLOCK_DEPTH || !fits) {
    for (let t = 0; t < batch; t++)
      product({
        m,
        n,
        k,
        a: a + 4 * t * aStep,
        aRow,
        aCol,
        b: b + 4 * t * bStep,
        bRow,
        bCol,
        beta,
        c: c + 4 * t * cStep,
        ldc,
      });
    return;
  }
  kernels.gemm_batch_f32(batch, m, n, k, 1, a, aStep, aRow, aCol, b, bStep, bRow, bCol, beta, c, cStep, ldc);
}
