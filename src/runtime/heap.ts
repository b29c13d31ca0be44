/**
 * Linear memory as kernels see it. Pointers are byte addresses; `f32[ptr >> 2]` is the number at ptr.
 *
 * The shipped heap is a WebAssembly.Memory. Tests put a heap of doubles in its place, so that whole training steps run in
 * double precision on the reference kernels: then `f32` and `i32` are the same Float64Array, indexed alike.
 */
export interface Heap {
  readonly f32: Float32Array | Float64Array;
  readonly i32: Int32Array | Float64Array;
  readonly u8: Uint8Array;
  readonly sizeBytes: number;
  /** Moves bytes; the two ranges may overlap. */
  copy(to: number, from: number, sizeBytes: number): void;
  /** Makes at least `sizeBytes` addressable. Views taken before are stale afterwards. @throws MemoryError */
  grow(sizeBytes: number): void;
}
