import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSafetensors, type StoredTensor } from "../../src/formats/safetensors.js";

/** Reads tensors of test/fixtures; the returned function finds one by name. */
export function storedFixture(path: string): (name: string) => StoredTensor {
  const file = fileURLToPath(new URL(`../../../test/fixtures/${path}`, import.meta.url));
  const { tensors } = readSafetensors(readFileSync(file), path);
  return (name) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${path} has no tensor ${name}`);
    return tensor;
  };
}
