import { runtime } from "./context.js";

/**
 * The processes that train one run together, its ranks. Each calls the same methods in the same order, and a call returns when
 * all have made it.
 */
export interface Collective {
  /** Number of this process, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** Replaces the numbers of all arrays by their sums over the ranks. */
  allReduceSum(arrays: readonly Float32Array[]): void;
  /** What each rank gives, in the order of ranks. @param bytes  as many on every rank */
  gather(bytes: Uint8Array): Uint8Array[];
  /** Replaces the bytes by those of rank 0. @param bytes  as many on every rank */
  broadcast(bytes: Uint8Array): void;
  /** Returns when all ranks have come here. */
  barrier(): void;
  /** Ends the processes of all ranks. */
  abort(exitCode: number): never;
}

/** Phases of a profile: numbers are exchanged; ranks wait until all have come to the same place. */
export const COMMUNICATION = "communication";
export const RANK_WAIT = "rank wait";

/** A process that trains on its own. */
export const alone: Collective = {
  rank: 0,
  size: 1,
  allReduceSum() {},
  gather: (bytes) => [bytes],
  broadcast() {},
  barrier() {},
  abort: (exitCode) => globalThis.process.exit(exitCode),
};

/** Numbers of each rank, as many on every one, in the order of ranks. */
export function gatherNumbers(ranks: Collective, numbers: readonly number[]): number[][] {
  const own = Float64Array.from(numbers);
  return ranks.gather(bytesOf(own)).map((bytes) => [...new Float64Array(bytes.slice().buffer)]);
}

/** Replaces runs of f32 in linear memory by their sums over the ranks. */
export function sumMemory(ranks: Collective, runs: readonly { readonly ptr: number; readonly numel: number }[]): void {
  if (ranks.size === 1) return;
  const { f32 } = runtime().heap;
  ranks.allReduceSum(runs.map(({ ptr, numel }) => f32.subarray(ptr / 4, ptr / 4 + numel) as Float32Array));
}

/** Sums of numbers over the ranks, added in their order, so that they are the same to the bit on all of them. */
export function sumNumbers(ranks: Collective, numbers: readonly number[]): number[] {
  const [first, ...rest] = gatherNumbers(ranks, numbers);
  return rest.reduce((sums, more) => sums.map((sum, i) => sum + more[i]), first);
}

/** A text of each rank, of any length, in the order of ranks. */
export function gatherTexts(ranks: Collective, text: string): string[] {
  const own = new TextEncoder().encode(text);
  const lengths = gatherNumbers(ranks, [own.length]).map(([length]) => length);
  const padded = new Uint8Array(Math.max(...lengths));
  padded.set(own);
  return ranks.gather(padded).map((bytes, rank) => new TextDecoder().decode(bytes.subarray(0, lengths[rank])));
}

/** The memory of an array, as bytes. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBufferLike>): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
