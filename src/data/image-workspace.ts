import { ConfigError, DataError } from "../errors.js";
import { runtime } from "../runtime/context.js";
import { persistent } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";
import type { RawImage } from "./dataset.js";
import { type ResampleFilter, type ResampleTable, resampleTable } from "./resample-filter.js";

/** Image kernels load whole vectors and may read this far past the last pixel. */
const SPARE_BYTES = 16;
/** Numbers in kept resampling tables, beyond which all are dropped; a photo set has a few hundred distinct sizes. */
const TABLE_LIMIT = 1 << 20;

/** What a buffer is for; each is at most one at a time. */
export type BufferUse =
  | "source"
  | "rotated"
  | "narrowed"
  | "front"
  | "back"
  | "tables"
  | "sums"
  | "blur"
  | "mean"
  | "std";

const dtypeOf = {
  source: "u8",
  rotated: "u8",
  narrowed: "u8",
  front: "u8",
  back: "u8",
  tables: "i32",
  sums: "i32",
  blur: "f32",
  mean: "f32",
  std: "f32",
} as const satisfies Record<BufferUse, "u8" | "i32" | "f32">;

/** Pixels in linear memory: u8 [height, width, channels], rows dense. */
export interface ImageView {
  readonly ptr: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Working memory of the image operations: the image at hand and the buffers through which it passes. Buffers are made
 * at first use and only grow, so that a run of images of similar size allocates nothing.
 */
export class ImageWorkspace {
  readonly channels: number;
  private readonly buffers = new Map<BufferUse, Tensor>();
  private readonly tables = new Map<string, ResampleTable>();
  private tableNumbers = 0;
  private image: ImageView | null = null;

  /**
   * @param options.channels  of every image
   * @param options.mean  per channel, in units of the full range 0…1
   * @param options.std  per channel, likewise, > 0
   * @throws ConfigError if mean or std do not fit the channels
   */
  constructor({ channels, mean, std }: { channels: number; mean: readonly number[]; std: readonly number[] }) {
    if (mean.length !== channels || std.length !== channels || !std.every((value) => value > 0)) {
      throw new ConfigError(
        `crops: images have ${channels} channels, but mean is [${mean}] and std is [${std}]. ` +
          "Give one mean and one positive std per channel.",
      );
    }
    this.channels = channels;
    this.put("mean", mean);
    this.put("std", std);
  }

  /** The loaded image. @throws DataError before the first load */
  get source(): ImageView {
    if (!this.image)
      throw new DataError("augment: no image has been loaded into the workspace. Call load(image) first.");
    return this.image;
  }

  /**
   * Copies an image into linear memory; it stays until the next load.
   *
   * @throws DataError if its channels are not the workspace's or its data is not as long as its size says
   */
  load({ width, height, channels, data }: RawImage): void {
    if (channels !== this.channels) {
      throw new DataError(
        `augment: the image has ${channels} channels, expected ${this.channels}. Convert it with toChannels.`,
      );
    }
    if (!(width > 0 && height > 0 && data.length === width * height * channels)) {
      throw new DataError(`augment: an image of ${width} × ${height} × ${channels} comes with ${data.length} bytes.`);
    }
    const ptr = this.reserve("source", data.length);
    runtime().heap.u8.set(data, ptr);
    this.image = { ptr, height, width };
  }

  /** Address of at least `count` elements for one use. Earlier contents are lost if the buffer grows. */
  reserve(use: BufferUse, count: number): number {
    const held = this.buffers.get(use);
    const wanted = count + SPARE_BYTES;
    if (held && held.numel >= wanted) return held.ptr;
    held?.dispose();
    const buffer = persistent([wanted], dtypeOf[use]);
    this.buffers.set(use, buffer);
    return buffer.ptr;
  }

  /** Address of a buffer that has been put or reserved. */
  address(use: BufferUse): number {
    return this.reserve(use, 0);
  }

  /** Writes numbers to the start of a buffer and returns their address. */
  put(use: "mean" | "std" | "blur", values: ArrayLike<number>): number {
    const ptr = this.reserve(use, values.length);
    runtime().heap.f32.set(values, ptr / sizeOf.f32);
    return ptr;
  }

  /** The resampling table of one axis, kept for the next image of the same size. */
  table(input: number, output: number, filter: ResampleFilter, flip: boolean): ResampleTable {
    const key = `${input} ${output} ${filter} ${flip}`;
    const kept = this.tables.get(key);
    if (kept) return kept;
    const table = resampleTable(input, output, { filter, flip });
    this.tableNumbers += table.weights.length;
    if (this.tableNumbers > TABLE_LIMIT) {
      this.tables.clear();
      this.tableNumbers = table.weights.length;
    }
    this.tables.set(key, table);
    return table;
  }

  /** Gives the memory back. */
  dispose(): void {
    for (const buffer of this.buffers.values()) buffer.dispose();
    this.buffers.clear();
    this.image = null;
  }
}
