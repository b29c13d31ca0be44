import * as assert from "uvu/assert";
import type { RawImage } from "../../src/data/dataset.js";
import type { ImageView } from "../../src/data/image-workspace.js";
import type { StoredTensor } from "../../src/formats/safetensors.js";
import { runtime } from "../../src/runtime/context.js";
import { seeded } from "./kernels.js";

/** An image of seeded noise. */
export function noiseImage({ width = 32, height = 32, channels = 3, seed = 1 } = {}): RawImage {
  const next = seeded(seed);
  const data = Uint8Array.from({ length: width * height * channels }, () => Math.floor(256 * next()));
  return { width, height, channels, data };
}

/** A stored u8 tensor [height, width, channels] as an image. */
export function imageOf({ shape, data }: StoredTensor): RawImage {
  const [height, width, channels] = shape;
  return { height, width, channels, data: data as Uint8Array };
}

/** The bytes of a view into linear memory. */
export function bytesOf({ ptr, height, width }: ImageView, channels: number): Uint8Array {
  return runtime().heap.u8.slice(ptr, ptr + height * width * channels);
}

/** Every byte within `levels` of the expected one. */
export function assertLevels(actual: Uint8Array, expected: StoredTensor, levels: number, what: string): void {
  assert.is(actual.length, expected.data.length, `${what}: size`);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(expected.data[i]))), 0);
  assert.ok(worst <= levels, `${what}: differs by ${worst} levels, ${levels} are allowed`);
}
