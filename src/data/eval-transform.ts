import { ConfigError, DataError, ShapeError } from "../errors.js";
import { persistent } from "../tensor/create.js";
import { sizeOf } from "../tensor/dtype.js";
import { roundHalfEven } from "../tensor/math.js";
import { formatShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { normalizeImage, resizeImage } from "./augment.js";
import type { RawImage } from "./dataset.js";
import { type ImageView, ImageWorkspace } from "./image-workspace.js";
import type { ResampleFilter } from "./resample-filter.js";

/** How an image becomes a square of `size` pixels: */
export type EvalGeometry =
  /** short side to `shortSide`, then the centre (the usual protocol: 256, 224); */
  | { readonly kind: "crop"; readonly shortSide: number; readonly size: number }
  /** both sides to `size`, whatever the aspect; */
  | { readonly kind: "stretch"; readonly size: number }
  /** not at all: images must be squares of `size` already. */
  | { readonly kind: "none"; readonly size: number };

/** The usual protocol, 256 then 224, in the proportion of the training size. */
export function usualGeometry(size: number): EvalGeometry & { readonly kind: "crop" } {
  return { kind: "crop", shortSide: Math.round((size * 8) / 7), size };
}

export interface EvalTransformOptions {
  readonly geometry: EvalGeometry;
  readonly channels: number;
  /** Per channel, of values scaled to 0…1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Default bicubic. */
  readonly filter?: ResampleFilter;
}

/** Images as an encoder sees them at evaluation: resized, cut and normalised, nothing random. */
export class EvalTransform {
  readonly options: EvalTransformOptions;
  private readonly workspace: ImageWorkspace;

  /** @throws ConfigError for sizes that are not positive whole numbers, or a crop larger than the short side */
  constructor(options: EvalTransformOptions) {
    const { geometry } = options;
    const sizes = geometry.kind === "crop" ? [geometry.size, geometry.shortSide] : [geometry.size];
    if (!sizes.every((n) => Number.isInteger(n) && n > 0)) {
      throw new ConfigError(`eval transform: sizes are ${sizes.join(", ")}; expected positive whole numbers.`);
    }
    if (geometry.kind === "crop" && geometry.size > geometry.shortSide) {
      throw new ConfigError(
        `eval transform: a crop of ${geometry.size} does not fit a short side of ${geometry.shortSide}. ` +
          "Raise the short side.",
      );
    }
    this.options = options;
    this.workspace = new ImageWorkspace(options);
  }

  /** A persistent, uninitialised tensor for a batch of B images: f32 [B, channels, size, size]. */
  allocate(batch: number): Tensor {
    const { channels, geometry } = this.options;
    return persistent([batch, channels, geometry.size, geometry.size]);
  }

  /**
   * Writes a batch.
   *
   * @param images  B images
   * @param target  f32 [≥ B, channels, size, size]; rows past B keep what they hold
   * @throws ShapeError if the target does not fit
   * @throws DataError if an image has other channels, or another size with geometry "none"
   */
  write(images: readonly RawImage[], target: Tensor): void {
    const { channels, geometry } = this.options;
    const expected = [images.length, channels, geometry.size, geometry.size];
    const [rows, ...rest] = target.shape;
    const fits = rows >= images.length && formatShape(rest) === formatShape(expected.slice(1));
    if (!fits || target.dtype !== "f32" || !target.contiguous) {
      throw new ShapeError(
        `eval transform: target is ${target.describe()}, expected a dense f32 ${formatShape(expected)} or longer.`,
      );
    }
    const stride = channels * geometry.size * geometry.size * sizeOf.f32;
    images.forEach((image, i) => {
      normalizeImage(this.workspace, this.bytes(image), target.ptr + i * stride);
    });
  }

  /** The resized and cut image before normalisation, in the workspace until the next call. */
  bytes(image: RawImage): ImageView {
    const { geometry, filter } = this.options;
    const { size } = geometry;
    this.workspace.load(image);
    const { source } = this.workspace;
    if (geometry.kind === "none") {
      if (image.width === size && image.height === size) return source;
      throw new DataError(
        `eval transform: the image is ${image.width} × ${image.height}, expected ${size} × ${size}. ` +
          "Choose a geometry that resizes.",
      );
    }
    if (geometry.kind === "stretch") {
      return resizeImage(this.workspace, { source, size: { height: size, width: size }, filter });
    }
    const [height, width] = withShortSide(image, geometry.shortSide);
    const top = roundHalfEven((height - size) / 2);
    const left = roundHalfEven((width - size) / 2);
    const visible = { top, left, height: size, width: size };
    return resizeImage(this.workspace, { source, size: { height, width }, visible, filter });
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.workspace.dispose();
  }
}

/** Height and width with the shorter one at `side` and the other cut to a whole number, as torchvision's Resize. */
function withShortSide({ height, width }: RawImage, side: number): [number, number] {
  return height < width ? [side, Math.floor((side * width) / height)] : [Math.floor((side * height) / width), side];
}
