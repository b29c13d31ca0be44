import type { RawImage } from "../../data/dataset.js";
import { type AttentionMaps, attentionOf } from "../../models/attention-maps.js";
import type { Encoder } from "../../models/encoder.js";
import { networkName } from "../../models/encoder-spec.js";
import { attentionCaption } from "./attention-caption.js";
import { centerSquares } from "./center-squares.js";
import { meanMap, overlay } from "./map-overlay.js";
import { seeImages } from "./patch-features.js";
import type { Picture } from "./picture.js";
import { drawTiles, sideBySide } from "./tile-sheet.js";

const SIDE = 128;

export interface AttentionOptions {
  /** Side in pixels at which the encoder sees the images. Default: that of its training. */
  readonly resolution?: number;
}

/**
 * What an encoder looks at in images (`attentionOf`).
 *
 * @param images  the middle square of each is seen
 * @throws ConfigError if the resolution is not made of whole patches
 */
export function attentionMaps(
  encoder: Encoder,
  images: readonly RawImage[],
  { resolution = encoder.spec.imageSize }: AttentionOptions = {},
): AttentionMaps[] {
  return seeImages(encoder, images, resolution, (batch) => attentionOf(encoder, batch));
}

/**
 * `attentionMaps` laid over the images, a row for each: the image, the mean over heads, then each head.
 *
 * @param options.side  of each tile in pixels; default 128
 */
export function attentionPicture(
  encoder: Encoder,
  images: readonly RawImage[],
  { side = SIDE, ...options }: AttentionOptions & { readonly side?: number } = {},
): Picture {
  const all = attentionMaps(encoder, images, options);
  const squares = centerSquares(images, side);
  const heads = all[0].maps.length;
  const byHead = encoder.spec.family === "vit";
  const rows = all.map(({ grid, maps }, i) => {
    const shown = byHead ? [meanMap(maps), ...maps] : maps;
    return [squares[i], ...shown.map((map) => overlay(squares[i], map, grid))].map((image) => ({ image }));
  });
  const names = byHead ? ["mean", ...Array.from({ length: heads }, (_, h) => `head ${h + 1}`)] : ["similarity"];
  return {
    image: drawTiles(sideBySide({ headings: ["image", ...names], rows, side })),
    caption: attentionCaption({ family: encoder.spec.family, name: networkName(encoder.spec) }, all[0].grid, heads),
  };
}
