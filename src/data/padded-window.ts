import { runtime } from "../runtime/context.js";
import { resizeImage } from "./augment.js";
import type { Size, Window } from "./augment-parameters.js";
import type { ImageView, ImageWorkspace } from "./image-workspace.js";
import { IGNORED } from "./mask-meaning.js";

/** A square cut from a resized image. */
export interface PaddedWindow {
  /** Size to which the whole image is brought. */
  readonly scaled: Size;
  /** The part of it that is seen, mirrored coordinates with `flip`; no side longer than `side`. */
  readonly window: Window;
  /** Of the square in pixels; what the window does not fill is on the right and at the bottom. */
  readonly side: number;
  /** Mirrors the image left and right before it is cut. */
  readonly flip?: boolean;
}

/** Height and width with the shorter one at `side`, the other to the nearest whole number. */
export function withShortSide({ height, width }: Size, side: number): Size {
  return height < width
    ? { height: side, width: Math.round((side * width) / height) }
    : { height: Math.round((side * height) / width), width: side };
}

/**
 * The square of the loaded image, filled up with the mean colour, which normalisation makes (nearly) zero.
 *
 * @returns u8 [side, side, channels] in the workspace, valid until the next call
 */
export function paddedWindow(workspace: ImageWorkspace, { scaled, window, side, flip }: PaddedWindow): ImageView {
  const { channels, source } = workspace;
  const view = resizeImage(workspace, { source, size: scaled, visible: window, flip, filter: "bilinear" });
  if (view.height === side && view.width === side) return view;
  const ptr = workspace.reserve("back", side * side * channels);
  const { u8, f32 } = runtime().heap;
  const means = workspace.address("mean") / 4;
  for (let c = 0; c < channels; c++) u8[ptr + c] = Math.round(255 * f32[means + c]);
  const rowBytes = side * channels;
  for (let at = channels; at < side * rowBytes; at++) u8[ptr + at] = u8[ptr + at - channels];
  for (let row = 0; row < view.height; row++) {
    const from = view.ptr + row * view.width * channels;
    u8.copyWithin(ptr + row * rowBytes, from, from + view.width * channels);
  }
  return { ptr, height: side, width: side };
}

/**
 * The labels of the same square: of each pixel that of the nearest one before resizing, 255 where the square is filled up.
 *
 * @param labels  [height · width] of the image before
 * @param image  its size
 * @param target  [side · side]
 */
export function nearestLabels(
  labels: Uint8Array,
  image: Size,
  { scaled, window, side, flip = false }: PaddedWindow,
  target: Uint8Array,
): void {
  target.fill(IGNORED);
  const columns = Int32Array.from({ length: window.width }, (_, i) => {
    const column = flip ? scaled.width - 1 - (window.left + i) : window.left + i;
    return Math.floor(((column + 0.5) * image.width) / scaled.width);
  });
  for (let row = 0; row < window.height; row++) {
    const from = Math.floor(((window.top + row + 0.5) * image.height) / scaled.height) * image.width;
    for (let i = 0; i < columns.length; i++) target[row * side + i] = labels[from + columns[i]];
  }
}
