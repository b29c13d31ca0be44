import type { RawImage } from "../../data/dataset.js";
import type { Encoder } from "../../models/encoder.js";
import { networkName } from "../../models/encoder-spec.js";
import { VisionTransformer } from "../../models/vit.js";
import { matmul } from "../../ops/matmul.js";
import { l2Normalize } from "../../ops/normalize.js";
import type { Tensor } from "../../tensor/tensor.js";
import { centerSquares } from "./center-squares.js";
import { VIRIDIS } from "./color-map.js";
import { stretched, upsample } from "./grid-field.js";
import { lastFeatures, seeImages } from "./patch-features.js";
import type { Picture } from "./picture.js";
import { drawTiles, sideBySide } from "./tile-sheet.js";

const SIDE = 128;
/** How dark the image lies below a map, and how much of the map's colour covers it at its least and greatest value. */
const DIMMED = 0.8;
const COVER = [0.35, 0.85] as const;

/** At which size images are seen. */
export interface AttentionOptions {
  /** Side in pixels at which the encoder sees the images. Default: that of its training. */
  readonly resolution?: number;
}

/** What an encoder looks at in one image. */
export interface AttentionMaps {
  /** Patches per side. */
  readonly grid: number;
  /** One map [grid · grid] per head of a ViT; one alone for other backbones. */
  readonly maps: readonly Float32Array[];
}

/**
 * Of a ViT, how much the class token attends to each patch in the last block, by head (Caron et al., 2021). Swin and ResNet
 * have no class token: for them one map, the cosine similarity of each cell of the last map with the image's feature.
 *
 * @param images  the middle square of each is seen
 * @throws ConfigError if the resolution is not made of whole patches
 */
export function attentionMaps(
  encoder: Encoder,
  images: readonly RawImage[],
  { resolution = encoder.spec.imageSize }: AttentionOptions = {},
): AttentionMaps[] {
  const { backbone } = encoder;
  return seeImages(encoder, images, resolution, (batch) =>
    mapsOf(backbone instanceof VisionTransformer ? backbone.classAttention(batch) : similarity(encoder, batch)),
  );
}

/** Cosine of each cell with the image's feature  [B, 1, N]. */
function similarity(encoder: Encoder, batch: Tensor): Tensor {
  const { pooled, cells } = lastFeatures(encoder, batch);
  const [count, n, features] = cells.shape;
  const direction = l2Normalize(pooled).reshape([count, features, 1]); //        [B, F, 1]
  return matmul(l2Normalize(cells), direction).reshape([count, 1, n]);
}

function mapsOf(maps: Tensor): AttentionMaps[] {
  const [count, heads, n] = maps.shape;
  const values = maps.toArray() as Float32Array;
  const grid = Math.round(Math.sqrt(n));
  return Array.from({ length: count }, (_, image) => ({
    grid,
    maps: Array.from({ length: heads }, (_, head) => {
      const first = (image * heads + head) * n;
      return values.slice(first, first + n);
    }),
  }));
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
    const shown = byHead ? [meanOf(maps), ...maps] : maps;
    return [squares[i], ...shown.map((map) => overlay(squares[i], map, grid))].map((image) => ({ image }));
  });
  const names = byHead ? ["mean", ...Array.from({ length: heads }, (_, h) => `head ${h + 1}`)] : ["similarity"];
  return {
    image: drawTiles(sideBySide({ headings: ["image", ...names], rows, side })),
    caption: captionOf(encoder, all[0].grid, heads),
  };
}

function captionOf({ spec }: Encoder, grid: number, heads: number): string {
  const scale = "Each map reaches from its least value (violet) to its greatest (yellow).";
  const where = `${grid} × ${grid}`;
  if (spec.family === "vit") {
    const list = heads === 1 ? "its one head" : `the mean of its ${heads} heads, then each head`;
    return `Attention of the class token to ${where} patches in the last block of ${networkName(spec)}: ${list}. ${scale}`;
  }
  const family = spec.family === "swin" ? "Swin" : "ResNet";
  return (
    `A ${family} has no class token that attends. Shown instead for ${networkName(spec)}: the cosine similarity of each of ` +
    `the ${where} cells of the last map with the feature of the whole image. ${scale}`
  );
}

function meanOf(maps: readonly Float32Array[]): Float32Array {
  return maps[0].map((_, i) => maps.reduce((sum, map) => sum + map[i], 0) / maps.length);
}

/** A map over an image: grey where it is low, in the colours of the map where it is high. */
function overlay({ width: side, data: source }: RawImage, map: Float32Array, grid: number): RawImage {
  const shares = upsample({ grid, channels: 1, values: stretched(map) }, side);
  const data = new Uint8Array(source.length);
  for (let pixel = 0, at = 0; pixel < shares.length; pixel++) {
    const share = shares[pixel];
    const color = 3 * Math.round(255 * share);
    const cover = COVER[0] + share * (COVER[1] - COVER[0]);
    const luma = DIMMED * (0.299 * source[at] + 0.587 * source[at + 1] + 0.114 * source[at + 2]);
    for (let c = 0; c < 3; c++) data[at++] = Math.round(luma + cover * (VIRIDIS[color + c] - luma));
  }
  return { width: side, height: side, channels: 3, data };
}
