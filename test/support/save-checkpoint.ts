// Saves checkpoint 9 in the folder that is named, beside those that are there, and keeps the newest: a program to be killed.
import type { StateTensor } from "../../src/optim/moments.js";
import { CheckpointFiles, type CheckpointPart } from "../../src/train/checkpoint-files.js";

const LENGTH = 1000;

/** Parts whose numbers tell the step. */
export function partsAt(step: number): CheckpointPart[] {
  const numbers = new Float32Array(LENGTH).fill(step);
  const x: StateTensor = {
    dtype: "f32",
    shape: [LENGTH],
    toArray: () => numbers.slice(),
    peek: () => numbers,
    item: () => step,
    write() {},
    dispose() {},
  };
  return ["student", "teacher"].map((name) => ({ name, tensors: new Map([["x", x]]) }));
}

if (process.argv[2] === "save") {
  const files = new CheckpointFiles(process.argv[3]);
  files.write(9, partsAt(9));
  files.prune(1);
}
