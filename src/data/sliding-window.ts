import { ConfigError } from "../errors.js";
import { sizeOf } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";
import { normalizeImage } from "./augment.js";
import type { Size, Window } from "./augment-parameters.js";
import type { RawImage } from "./dataset.js";
import { ImageWorkspace } from "./image-workspace.js";
import { paddedWindow, withShortSide } from "./padded-window.js";

/** How windows are laid over images. */
export interface SlidingWindowOptions {
  /** Short side in pixels that images are brought to. */
  readonly size: number;
  /** Side of the square windows in pixels. */
  readonly crop: number;
  /** Pixels from one window to the next; the last one ends with the image. */
  readonly stride: number;
  readonly channels: number;
  /** Per channel, of values scaled to 0…1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** An image that has been cut into windows. */
export interface WindowedImage {
  /** Of the resized image. */
  readonly scaled: Size;
  /** Row by row; smaller than the crop where the image is. */
  readonly windows: readonly Window[];
}

/** Where windows begin along a side: every `stride` pixels, the last one so that it ends with the side. */
export function windowStarts(length: number, crop: number, stride: number): number[] {
  const count = Math.ceil(Math.max(length - crop, 0) / stride) + 1;
  return Array.from({ length: count }, (_, i) => Math.max(Math.min(i * stride, length - crop), 0));
}

/** Windows that slide over an image at test (spec §7.6). */
export class SlidingWindow {
  readonly options: SlidingWindowOptions;
  private readonly workspace: ImageWorkspace;

  /** @throws ConfigError for sizes that are no positive whole numbers, or a stride beyond the crop */
  constructor(options: SlidingWindowOptions) {
    const { size, crop, stride } = options;
    if (![size, crop, stride].every((n) => Number.isInteger(n) && n > 0) || stride > crop) {
      throw new ConfigError(
        `sliding window: size ${size}, crop ${crop} and stride ${stride}, expected positive whole numbers and a stride up to the crop.`,
      );
    }
    this.options = options;
    this.workspace = new ImageWorkspace(options);
  }

  /** Takes an image; its windows can be written until the next call. @throws DataError if it has other channels */
  load(image: RawImage): WindowedImage {
    const { size, crop, stride } = this.options;
    this.workspace.load(image);
    const scaled = withShortSide(image, size);
    const [height, width] = [Math.min(crop, scaled.height), Math.min(crop, scaled.width)];
    const windows = windowStarts(scaled.height, crop, stride).flatMap((top) =>
      windowStarts(scaled.width, crop, stride).map((left) => ({ top, left, height, width })),
    );
    return { scaled, windows };
  }

  /** Writes windows of the loaded image. @param target  f32 [≥ windows.length, channels, crop, crop], dense */
  write({ scaled }: WindowedImage, windows: readonly Window[], target: Tensor): void {
    const { crop, channels } = this.options;
    windows.forEach((window, i) => {
      const view = paddedWindow(this.workspace, { scaled, window, side: crop });
      normalizeImage(this.workspace, view, target.ptr + i * channels * crop * crop * sizeOf.f32);
    });
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.workspace.dispose();
  }
}
