/** Something to time. */
export interface BenchCase {
  /** Unique, for instance "gemm NT 544x64x256 digits fc1". */
  readonly name: string;
  readonly unit: Unit;
  /** Operations, bytes, elements, samples or images in one call, in 1; ignored for the unit "us". */
  readonly work: number;
  /** For the unit "us": how many of the things that are timed one call does; default 1. */
  readonly repeats?: number;
  /** Images of one call, where it is told how many of them pass in a second too. */
  readonly images?: number;
  /** Taken only if this word of the name is asked for, since a call takes many seconds. */
  readonly onlyAs?: string;
  /** Allocates and fills what one call needs, and returns the call, alone or with the release of what it needs. */
  readonly prepare: () => (() => void) | Prepared;
}

export interface Prepared {
  readonly run: () => void;
  readonly dispose: () => void;
}

/** Of a rate; or microseconds. */
export type Unit = "GFLOP/s" | "GB/s" | "Melem/s" | "samples/s" | "images/s" | "us";

/** How much of the work, in 1, makes one of the unit. */
export const unitOfWork: Readonly<Record<Unit, number>> = {
  "GFLOP/s": 1e9,
  "GB/s": 1e9,
  "Melem/s": 1e6,
  "samples/s": 1,
  "images/s": 1,
  us: 1e-6,
};
