/** Something to time. */
export interface BenchCase {
  /** Unique, for instance "gemm NT 544x64x256 digits fc1". */
  readonly name: string;
  readonly unit: "GFLOP/s" | "GB/s" | "Melem/s" | "us";
  /** Operations, bytes or elements in one call, in 1; ignored for the unit "us". */
  readonly work: number;
  /** Allocates and fills what one call needs, and returns the call. */
  readonly prepare: () => () => void;
}
