import { DataError } from "../errors.js";
import { toChannels } from "./channels.js";
import type { ImageSource, RawImage } from "./dataset.js";

/** What becomes of a broken image: see `batches` in loader.ts. */
export type BrokenRule = "replace" | "skip" | "throw";

export interface PlaceOptions {
  readonly batchSize: number;
  /** Convert to this number of channels. Default: as the source delivers them. */
  readonly channels?: 1 | 3;
  /** Default "replace". */
  readonly broken?: BrokenRule;
  /** Times that an image stands in the order, side by side: it is decoded once for them. Default 1. */
  readonly repeats?: number;
}

/** What was read for one place of a batch. */
export interface PlaceRead {
  /** null if every image that may stand there is broken. */
  readonly filled: { readonly index: number; readonly image: RawImage } | null;
  /** Indices of the broken images that were met, in the order in which they were. */
  readonly met: readonly number[];
}

/**
 * Reads the image for one place of a batch. What it finds depends on the images and the place alone: that a broken image is not
 * read twice saves time and changes nothing.
 */
export class PlaceReader {
  /** Why images are broken, by index. */
  readonly reasons = new Map<number, string>();
  private readonly source: ImageSource;
  private readonly options: PlaceOptions;
  private last: { readonly index: number; readonly image: Promise<RawImage | null> } | null = null;

  constructor(source: ImageSource, options: PlaceOptions) {
    this.source = source;
    this.options = options;
  }

  /**
   * @param order  of the images in this pass
   * @param place  in that order
   * @throws DataError for a broken image with "throw"; whatever the source throws that is no DataError
   */
  async read(order: Int32Array, place: number): Promise<PlaceRead> {
    const { batchSize, broken = "replace" } = this.options;
    const met: number[] = [];
    const candidates = broken === "replace" ? order.length : 0;
    // One batch further on and not the neighbour, which is in the same batch already.
    for (let step = -1; step < candidates; step++) {
      const index = order[step < 0 ? place : (place + batchSize + step) % order.length];
      const image = await this.tryRead(index);
      if (image) return { filled: { index, image }, met };
      met.push(index);
    }
    return { filled: null, met };
  }

  private tryRead(index: number): Promise<RawImage | null> {
    if ((this.options.repeats ?? 1) === 1) return this.readAnew(index);
    if (this.last?.index !== index) this.last = { index, image: this.readAnew(index) };
    return this.last.image;
  }

  private async readAnew(index: number): Promise<RawImage | null> {
    if (this.reasons.has(index)) return null;
    const { channels, broken } = this.options;
    try {
      const read = this.source.read(index);
      const image = read instanceof Promise ? await read : read;
      return channels === undefined ? image : toChannels(image, channels);
    } catch (error) {
      if (!(error instanceof DataError) || broken === "throw") throw error;
      this.reasons.set(index, error.message);
      return null;
    }
  }
}
