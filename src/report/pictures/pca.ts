import { step } from "../../autograd/tape.js";
import type { RawImage } from "../../data/dataset.js";
import { DataError } from "../../errors.js";
import { fitPca, type Pca, projectOnto } from "../../eval/whitened-pca.js";
import type { Encoder } from "../../models/encoder.js";
import { networkName } from "../../models/encoder-spec.js";
import { lastFeatures } from "../../models/last-features.js";
import { gatherRows } from "../../ops/gather.js";
import { keep, persistent } from "../../tensor/create.js";
import type { Tensor } from "../../tensor/tensor.js";
import { centerSquares } from "./center-squares.js";
import { upsample } from "./grid-field.js";
import { seeImages } from "./patch-features.js";
import type { Picture } from "./picture.js";
import { drawTiles, sideBySide } from "./tile-sheet.js";

const SIDE = 128;
/** Red, green and blue. */
const SHOWN = 3;
/** Shares of the patches that are as dark and as bright as a colour gets; the few beyond would dim all others. */
const CLIPPED = [0.01, 0.99] as const;
/** Brightness of what is no foreground. */
const BACKGROUND = 24;

export interface PcaOptions {
  /** Side in pixels at which the encoder sees the images. Default: that of its training. */
  readonly resolution?: number;
}

/** Coordinates of the patches of some images along the directions in which their features vary most. */
export interface PatchComponents {
  /** Patches per side. */
  readonly grid: number;
  /** The first three components of the features of all patches  [grid · grid, 3], an array per image. */
  readonly components: readonly Float32Array[];
  /** The first three of foreground features alone, in the same form; null if there is no foreground or it is all alike. */
  readonly ofForeground: readonly Float32Array[] | null;
}

/**
 * The first three principal components of patch features over a set of images (Oquab et al., 2023, §7.5): once of all
 * patches, and once of the foreground, which is where the first of those is above zero.
 *
 * A direction has no sign of its own. The first one is turned so that patches at the borders of the images, where things
 * seldom are, lie below zero on average; the others so that their largest coordinate is positive.
 *
 * @param images  the middle square of each is seen
 * @throws ConfigError if the resolution is not made of whole patches, DataError if all patches are alike
 */
export function patchComponents(
  encoder: Encoder,
  images: readonly RawImage[],
  { resolution = encoder.spec.imageSize }: PcaOptions = {},
): PatchComponents {
  const features = seeImages(encoder, images, resolution, (batch) => {
    const { cells } = lastFeatures(encoder, batch); //                            [b, N, F]
    return Array.from({ length: batch.shape[0] }, (_, i) => cells.select(0, i).toArray());
  });
  const width = encoder.backbone.featureDim;
  const patches = features[0].length / width;
  if (features.length * patches < 2)
    throw new DataError("components: one patch alone does not vary. Give more images.");
  const rows = persistent([features.length * patches, width]);
  try {
    features.forEach((values, i) => {
      rows.narrow(0, i * patches, patches).write(values);
    });
    const grid = Math.round(Math.sqrt(patches));
    const all = coordinates(fitPca(rows, SHOWN), rows);
    if (meanAtBorders(all, grid) > 0) for (let i = 0; i < all.length; i += SHOWN) all[i] = -all[i];
    const ofForeground = foregroundCoordinates(rows, all);
    const byImage = (values: Float32Array) =>
      features.map((_, i) => values.slice(i * patches * SHOWN, (i + 1) * patches * SHOWN));
    return { grid, components: byImage(all), ofForeground: ofForeground && byImage(ofForeground) };
  } finally {
    rows.dispose();
  }
}

/** Coordinates of all rows along directions found in those whose first coordinate is above zero. */
function foregroundCoordinates(rows: Tensor, coordinatesOfAll: Float32Array): Float32Array | null {
  const foreground = Int32Array.from({ length: rows.shape[0] }, (_, row) => row).filter(
    (row) => coordinatesOfAll[row * SHOWN] > 0,
  );
  if (foreground.length < 2) return null;
  const chosen = step(() => keep(gatherRows(rows, foreground)));
  try {
    return coordinates(fitPca(chosen, SHOWN), rows);
  } catch (error) {
    if (error instanceof DataError) return null; // they are all alike
    throw error;
  } finally {
    chosen.dispose();
  }
}

/** Along three directions [rows, 3]; 0 along those that are missing because the features vary in fewer. */
function coordinates(pca: Pca, rows: Tensor): Float32Array {
  const projected = projectOnto(pca, rows);
  const [count, found] = projected.shape;
  const values = projected.toArray();
  projected.dispose();
  const padded = new Float32Array(count * SHOWN);
  for (let i = 0; i < values.length; i++) padded[Math.floor(i / found) * SHOWN + (i % found)] = values[i];
  return padded;
}

/** Mean of the first coordinate over the outermost patches of every image. */
function meanAtBorders(values: Float32Array, grid: number): number {
  let [sum, count] = [0, 0];
  for (let patch = 0; patch < values.length / SHOWN; patch++) {
    const [row, column] = [Math.floor(patch / grid) % grid, patch % grid];
    if (row > 0 && row < grid - 1 && column > 0 && column < grid - 1) continue;
    sum += values[patch * SHOWN];
    count++;
  }
  return sum / count;
}

/**
 * `patchComponents` as colours, between patches linearly: each image, its components as red, green and blue, and those of the
 * foreground on a dark ground.
 *
 * @param options.side  of each tile in pixels; default 128
 */
export function pcaPicture(
  encoder: Encoder,
  images: readonly RawImage[],
  { side = SIDE, ...options }: PcaOptions & { readonly side?: number } = {},
): Picture {
  const { grid, components, ofForeground } = patchComponents(encoder, images, options);
  const squares = centerSquares(images, side);
  const isForeground = (image: number, patch: number) => components[image][patch * SHOWN] > 0;
  const colorsOfAll = colorScale(components, () => true);
  const colorsOfForeground = ofForeground && colorScale(ofForeground, isForeground);
  const rows = components.map((values, i) => {
    const smooth = upsample({ grid, channels: SHOWN, values }, side);
    const parts = ofForeground && upsample({ grid, channels: SHOWN, values: ofForeground[i] }, side);
    const everything = paint(smooth, side, colorsOfAll);
    const cut = parts && paint(parts, side, colorsOfForeground!, (pixel) => smooth[pixel * SHOWN] > 0);
    return [squares[i], everything, ...(cut ? [cut] : [])].map((image) => ({ image }));
  });
  const headings = ["image", "components", ...(ofForeground ? ["foreground"] : [])];
  return {
    image: drawTiles(sideBySide({ headings, rows, side })),
    caption:
      `The first three principal components of the features of ${grid} × ${grid} patches over ${images.length} images ` +
      `(${networkName(encoder.spec)}) as red, green and blue. ` +
      (ofForeground
        ? "Foreground is where the first of them is above zero; the last column shows the components of its features alone."
        : "No foreground stands out."),
  };
}

/** For each colour the values that are darkest and brightest. */
type ColorScale = readonly (readonly [low: number, high: number])[];

function colorScale(images: readonly Float32Array[], counts: (image: number, patch: number) => boolean): ColorScale {
  return Array.from({ length: SHOWN }, (_, c) => {
    const values = images
      .flatMap((image, i) => [...image].filter((_, at) => at % SHOWN === c && counts(i, Math.floor(at / SHOWN))))
      .sort((a, b) => a - b);
    const at = (share: number) => values[Math.round(share * (values.length - 1))];
    return [at(CLIPPED[0]), at(CLIPPED[1])] as const;
  });
}

function paint(values: Float32Array, side: number, scale: ColorScale, visible = (_pixel: number) => true): RawImage {
  const data = new Uint8Array(values.length).fill(BACKGROUND);
  for (let i = 0; i < values.length; i++) {
    if (!visible(Math.floor(i / SHOWN))) continue;
    const [low, high] = scale[i % SHOWN];
    const share = high > low ? (values[i] - low) / (high - low) : 0.5;
    data[i] = Math.round(255 * Math.min(1, Math.max(0, share)));
  }
  return { width: side, height: side, channels: 3, data };
}
