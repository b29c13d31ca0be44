import { runtime } from "../runtime/context.js";
import { cos, sin } from "../tensor/math.js";
import { applyColor } from "./augment.js";
import {
  applyTables,
  autoContrastTable,
  equalizeTable,
  histogram,
  invertTable,
  posterizeTable,
  solarizeAddTable,
  solarizeTable,
} from "./byte-tables.js";
import type { ImageView, ImageWorkspace } from "./image-workspace.js";
import type { ImageOperation } from "./rand-augment.js";
import { sharpen } from "./sharpness.js";
import { type AffineMap, type Pixels, warp } from "./warp.js";

/**
 * Applies operations to an image in the workspace, one after the other, in place; on bytes, equal to those of Pillow.
 *
 * @param view  pixels in the workspace, but not in its buffer "back"
 * @param fill  level of each channel for pixels that come from outside
 */
export function applyOperations(
  workspace: ImageWorkspace,
  view: ImageView,
  operations: readonly ImageOperation[],
  fill: readonly number[],
): void {
  for (const operation of operations) apply(workspace, view, operation, fill);
}

function apply(workspace: ImageWorkspace, view: ImageView, operation: ImageOperation, fill: readonly number[]): void {
  switch (operation.op) {
    case "brightness":
    case "contrast":
    case "saturation":
    case "hue":
      applyColor(workspace, operation, view);
      break;
    case "sharpness":
      redraw(workspace, view, (source, target) => sharpen(source, operation.amount, target));
      break;
    case "rotate":
    case "shearX":
    case "shearY":
    case "translateX":
    case "translateY": {
      const map = affineMap(operation, view);
      redraw(workspace, view, (source, target) => warp(source, map, fill, target));
      break;
    }
    default:
      recolor(workspace, view, operation);
  }
}

type Movement = Extract<ImageOperation, { op: "rotate" | "shearX" | "shearY" | "translateX" | "translateY" }>;

/** Where the pixels of a moved image come from. */
export function affineMap({ op, amount }: Movement, { width, height }: { width: number; height: number }): AffineMap {
  switch (op) {
    case "shearX":
      return [1, amount, 0, 0, 1, 0];
    case "shearY":
      return [1, 0, 0, amount, 1, 0];
    case "translateX":
      return [1, 0, amount * width, 0, 1, 0];
    case "translateY":
      return [1, 0, 0, 0, 1, amount * height];
    case "rotate": {
      const angle = (-amount * Math.PI) / 180;
      const [c, s] = [cos(angle), sin(angle)];
      const [x, y] = [width / 2, height / 2];
      return [c, s, c * -x + s * -y + x, -s, c, -s * -x + c * -y + y];
    }
  }
}

type Recoloring = Extract<
  ImageOperation,
  { op: "autoContrast" | "equalize" | "invert" | "posterize" | "solarize" | "solarizeAdd" }
>;

function recolor({ channels }: ImageWorkspace, { ptr, height, width }: ImageView, operation: Recoloring): void {
  const bytes = runtime().heap.u8.subarray(ptr, ptr + height * width * channels);
  applyTables(bytes, tablesOf(operation, bytes, channels), channels);
}

function tablesOf(operation: Recoloring, bytes: Uint8Array, channels: number): Uint8Array[] {
  const perChannel = (tableOf: (counts: Int32Array) => Uint8Array) =>
    Array.from({ length: channels }, (_, channel) => tableOf(histogram(bytes, channel, channels)));
  switch (operation.op) {
    case "autoContrast":
      return perChannel(autoContrastTable);
    case "equalize":
      return perChannel(equalizeTable);
    case "invert":
      return [invertTable()];
    case "posterize":
      return [posterizeTable(operation.amount)];
    case "solarize":
      return [solarizeTable(operation.amount)];
    case "solarizeAdd":
      return [solarizeAddTable(operation.amount)];
  }
}

/** Computes all pixels anew from a copy of them. */
function redraw(
  workspace: ImageWorkspace,
  { ptr, height, width }: ImageView,
  draw: (source: Pixels, target: Uint8Array) => void,
): void {
  const { channels } = workspace;
  const count = height * width * channels;
  const copy = workspace.reserve("back", count);
  const { u8 } = runtime().heap;
  u8.copyWithin(copy, ptr, ptr + count);
  const source = { bytes: u8.subarray(copy, copy + count), channels, height, width };
  draw(source, u8.subarray(ptr, ptr + count));
}
