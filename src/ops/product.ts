import { runtime } from "../runtime/context.js";
import { kernels } from "../runtime/launch.js";

/** Columns of a packed panel (assembly/pack.ts). */
const PANEL_COLUMNS = 8;
/** The most terms that one kernel call sums (assembly/gemm.ts). */
const BLOCK_DEPTH = 384;

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
 * Multiplies two matrices of any strides. The sum over k runs in blocks of equal depth: each block of B is packed into
 * temporary step memory and used while it is still in the cache, so a long k needs no more memory than a short one.
 */
export function product({ m, n, k, alpha = 1, a, aRow, aCol, b, bRow, bCol, bias = 0, beta, c, ldc }: Product): void {
  const blocks = Math.max(1, Math.ceil(k / BLOCK_DEPTH));
  const depth = Math.ceil(k / blocks / 8) * 8;
  const panels = Math.ceil(n / PANEL_COLUMNS);
  const arena = runtime().step;
  const frame = arena.open("scope");
  try {
    const packed = arena.allocate(4 * PANEL_COLUMNS * panels * depth);
    for (let block = 0; block < blocks; block++) {
      const from = block * depth;
      const terms = Math.max(0, Math.min(depth, k - from));
      const [offset, kept] = block === 0 ? [bias, beta] : [0, 1];
      kernels.pack_b_f32(panels, terms, n, b + 4 * from * bRow, bRow, bCol, packed);
      kernels.gemm_f32(m, n, terms, alpha, a + 4 * from * aCol, aRow, aCol, packed, offset, kept, c, ldc);
    }
  } finally {
    arena.close(frame);
  }
}
