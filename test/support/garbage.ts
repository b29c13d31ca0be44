import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const usedBytes = () => getHeapStatistics().used_heap_size;

/**
 * Bytes by which the heap of the engine grows with each call, garbage included: nothing is collected in between as long as all of it
 * stays within the young generation, so choose few calls for what may make much. As many calls come before and do not count, since
 * the engine makes again what it keeps of a program after a collection.
 */
export function bytesPerCall(calls: number, fn: () => unknown): number {
  collect();
  for (let i = 0; i < calls; i++) fn();
  const before = usedBytes();
  for (let i = 0; i < calls; i++) fn();
  return (usedBytes() - before) / calls;
}

/** Bytes that are still there of each call when all garbage has been collected. */
export function keptBytesPerCall(calls: number, fn: () => unknown): number {
  collect();
  const before = usedBytes();
  for (let i = 0; i < calls; i++) fn();
  collect();
  return (usedBytes() - before) / calls;
}

/**
 * The least of many measurements, the first one below `enough` ending them: while the engine compiles, it makes and keeps what is its
 * own in some of them; what a call makes or keeps is there in all.
 */
export function leastOf(enough: number, measure: () => number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 60 && least >= enough; round++) least = Math.min(least, measure());
  return least;
}
