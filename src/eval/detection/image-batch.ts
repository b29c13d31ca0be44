import { normalizeImage, resizeImage } from "../../data/augment.js";
import type { RawImage } from "../../data/dataset.js";
import { ImageWorkspace } from "../../data/image-workspace.js";
import type { EncoderSpec } from "../../models/encoder-spec.js";
import { copyStrided } from "../../ops/layout.js";
import { empty, zeros } from "../../tensor/create.js";
import { denseStrides } from "../../tensor/shape.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { View } from "./view.js";

/** Brings images of any size into one tensor. */
export class ImageBatcher {
  private readonly workspace: ImageWorkspace;

  /** @param spec  the encoder's channels and normalisation */
  constructor(spec: EncoderSpec) {
    this.workspace = new ImageWorkspace(spec);
  }

  /**
   * Images as views show them, normalised, each in the upper left corner; the rest holds the normalisation's mean.
   *
   * @param images  each with its view
   * @param multiple  what the sides of the tensor are multiples of, in pixels
   * @returns f32 [B, C, H, W]
   */
  batch(images: readonly { readonly image: RawImage; readonly view: View }[], multiple: number): Tensor {
    const { channels } = this.workspace;
    const side = (longest: number) => Math.ceil(longest / multiple) * multiple;
    const height = side(Math.max(...images.map(({ view }) => view.height)));
    const width = side(Math.max(...images.map(({ view }) => view.width)));
    const batch = zeros([images.length, channels, height, width]);
    images.forEach(({ image, view }, i) => {
      this.workspace.load(image);
      const { window, flip } = view;
      const size = { height: view.height, width: view.width };
      const bytes = resizeImage(this.workspace, { source: this.workspace.source, window, size, flip });
      const shape = [channels, size.height, size.width];
      const pixels = empty(shape);
      normalizeImage(this.workspace, bytes, pixels.ptr);
      const target = batch.select(0, i);
      copyStrided(shape, { ptr: pixels.ptr, strides: denseStrides(shape) }, target, 0);
      pixels.dispose();
    });
    return batch;
  }

  /** Gives the working memory back. */
  dispose(): void {
    this.workspace.dispose();
  }
}
