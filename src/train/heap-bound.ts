import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Garbage, and what is young, that may lie on the engine's heap beside what lives. A quiet step leaves a few kilobytes that grow
 * old; the engine would let them become as much as what lives again and more, depending on the machine.
 */
const SLACK_BYTES = 24 << 20;

/**
 * Keeps the heap of a long run, and so the memory of its process, from swelling between two collections of the engine's own.
 *
 * @returns to be called after each step: collects what has been left behind if that is much; does nothing on a host that
 *   cannot be asked to
 */
export function heapBound(): () => void {
  const collect = collector();
  if (!collect) return () => {};
  let limit = 0;
  return () => {
    if (usedBytes() <= limit) return;
    collect();
    limit = usedBytes() + SLACK_BYTES;
  };
}

const usedBytes = () => getHeapStatistics().used_heap_size;

/** Collects all garbage; null where the engine does not offer it. */
function collector(): (() => void) | null {
  try {
    setFlagsFromString("--expose-gc");
    return runInNewContext("gc");
  } catch {
    return null;
  }
}
