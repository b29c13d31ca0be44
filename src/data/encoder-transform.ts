import type { Tensor } from "../tensor/tensor.js";
import type { RawImage } from "./dataset.js";
import { type EvalGeometry, EvalTransform, usualGeometry } from "./eval-transform.js";

/** What an encoder says about its images (models/encoder-spec.ts). */
export interface ImageDoor {
  readonly imageSize: number;
  readonly channels: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Images as a given encoder takes them: those of its size as they are, others through the usual geometry or a given one. */
export class EncoderTransform {
  private readonly imageSize: number;
  private readonly resizing: EvalTransform;
  private readonly asIs: EvalTransform | null;

  /** @param geometry  for all images, those of the encoder's size too */
  constructor({ imageSize, channels, mean, std }: ImageDoor, geometry?: EvalGeometry) {
    const transform = (kind: EvalGeometry) => new EvalTransform({ geometry: kind, channels, mean, std });
    this.imageSize = imageSize;
    this.resizing = transform(geometry ?? usualGeometry(imageSize));
    this.asIs = geometry ? null : transform({ kind: "none", size: imageSize });
  }

  /** A persistent, uninitialised tensor for a batch of B images: f32 [B, channels, size, size]. */
  allocate(batch: number): Tensor {
    return this.resizing.allocate(batch);
  }

  /**
   * Writes a batch.
   *
   * @param target  f32 [≥ B, channels, size, size]; rows past B keep what they hold
   * @throws ShapeError if the target does not fit, DataError if an image has other channels
   */
  write(images: readonly RawImage[], target: Tensor): void {
    images.forEach((image, i) => {
      const fits = image.width === this.imageSize && image.height === this.imageSize;
      ((fits && this.asIs) || this.resizing).write([image], target.narrow(0, i, 1));
    });
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.resizing.dispose();
    this.asIs?.dispose();
  }
}
