import type { ImageSource, RawImage } from "../../src/data/dataset.js";
import { Fingerprint } from "../../src/data/fingerprint.js";
import { DataError } from "../../src/errors.js";

export interface MemorySource extends ImageSource {
  /** Index of every read so far, in order. */
  readonly reads: number[];
}

/**
 * Images of one pixel whose value is their index; three classes, label = index mod 5 mod 3.
 *
 * @param length  at most 256
 * @param broken  indices that cannot be read
 */
export function memorySource(length: number, broken: readonly number[] = []): MemorySource {
  const reads: number[] = [];
  const labels = Int32Array.from({ length }, (_, i) => (i % 5) % 3);
  return {
    name: "memory",
    length,
    labels,
    classes: ["a", "b", "c"],
    reads,
    path: (index) => `memory#${index}`,
    fingerprint: () => new Fingerprint().text("memory").integers(labels).digest(),
    read: (index): RawImage | Promise<RawImage> => {
      reads.push(index);
      const image = { width: 1, height: 1, channels: 1, data: Uint8Array.of(index) };
      if (broken.includes(index)) return Promise.reject(new DataError(`memory#${index}: is broken.`));
      return index % 2 === 0 ? image : Promise.resolve(image); // sources answer in either way
    },
  };
}
