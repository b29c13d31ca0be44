import { ConfigError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { kernels } from "../runtime/launch.js";
import { type Int8Layout, Storage } from "../tensor/storage.js";
import type { Tensor } from "../tensor/tensor.js";

/** Rows of a strip and columns of a panel (assembly/pack.ts). */
const STRIP_ROWS = 4;
const PANEL_COLUMNS = 8;
const LARGEST_WEIGHT = 127;

/** Bytes of k terms of four rows of sixteen bits, or of eight columns of eight. */
const bytesOf = (k: number) => 16 * Math.ceil(k / 2);

/** The largest whole number that activations are rounded to: sixteen bits, or fewer where a sum of k would overflow. */
export function activationLimit(k: number): number {
  return Math.min(32767, Math.floor((2 ** 31 - 1) / (LARGEST_WEIGHT * Math.max(k, 1))));
}

/**
 * Rounds a frozen weight to eight bits, one scale to an output, and keeps that beside its numbers. From then on `linear` and
 * 1×1 convolutions multiply with it by whole numbers, wherever no gradient is wanted and the weight is used as a whole;
 * each row of their inputs is rounded to as many bits as the sum has room for, mostly 16. Writing to the weight ends it.
 *
 * @param weight  [out, in] or [out, in, 1, 1], in memory of its own
 * @throws ConfigError for a view, or one that is trained
 */
export function keepInt8(weight: Tensor): void {
  if (!isWhole(weight) || weight.tracked)
    throw new ConfigError(
      `keepInt8: ${weight.describe()} is a view or is trained. Materialize and freeze the network.`,
    );
  const n = weight.shape[0];
  const k = weight.numel / n;
  const panels = Math.ceil(n / PANEL_COLUMNS);
  const packed = Storage.persistent(panels * bytesOf(k));
  const scales = Storage.persistent(4 * PANEL_COLUMNS * panels);
  kernels.pack_b_i8(panels, n, k, weight.ptr, k, packed.ptr, scales.ptr);
  weight.storage.dropInt8();
  weight.storage.int8 = { packed, scales };
}

const isWhole = (weight: Tensor) => weight.contiguous && 4 * weight.numel === weight.storage.sizeBytes;

/** The eight bits of a weight, where a product of x with it may use them. */
export function int8Of(x: Tensor, weight: Tensor): Int8Layout | null {
  const { int8 } = weight.storage;
  return int8 && isWhole(weight) && !weight.tracked && !x.tracked ? int8 : null;
}

/** C = A·Wᵀ + bias by whole numbers; addresses and strides as of `product`. */
export interface Int8Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: number;
  /** Elements from one row of A to the next; its numbers lie side by side. */
  readonly aRow: number;
  readonly weight: Int8Layout;
  /** Address of n numbers, or 0. */
  readonly bias: number;
  readonly c: number;
  readonly ldc: number;
}

/** Rounds the rows of A and multiplies them. */
export function int8Product({ m, n, k, a, aRow, weight, bias, c, ldc }: Int8Product): void {
  const arena = runtime().step;
  const frame = arena.open("scope");
  try {
    const strips = Math.ceil(m / STRIP_ROWS);
    const packed = arena.allocate(strips * bytesOf(k));
    const scales = arena.allocate(4 * STRIP_ROWS * strips);
    kernels.pack_a_i16(strips, k, m, a, aRow, activationLimit(k), packed, scales);
    kernels.gemm_i8(strips, n, k, m, packed, scales, weight.packed.ptr, weight.scales.ptr, bias, c, ldc);
  } finally {
    arena.close(frame);
  }
}
