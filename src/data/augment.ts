import { runtime } from "../runtime/context.js";
import { kernels } from "../runtime/launch.js";
import { cos, exp, sin } from "../tensor/math.js";
import type { AugmentParameters, ColorStep, Size, Window } from "./augment-parameters.js";
import type { ImageView, ImageWorkspace } from "./image-workspace.js";
import type { ResampleFilter, ResampleTable } from "./resample-filter.js";

const SOLARIZE_THRESHOLD = 128;

/**
 * Crops, resizes and augments the loaded image and writes it as normalised numbers.
 *
 * @param workspace  holds the image
 * @param parameters  what to do
 * @param size  of the crop in pixels
 * @param target  address of f32 [channels, height, width]
 */
export function applyAugmentation(
  workspace: ImageWorkspace,
  parameters: AugmentParameters,
  size: Size,
  target: number,
): void {
  normalizeImage(workspace, augmentBytes(workspace, parameters, size), target);
}

/**
 * The part of `applyAugmentation` on bytes, equal to torchvision's operations on 8-bit Pillow images: turn, crop and
 * resize, mirror, colour jitter, greys, blur, solarise. Images of one channel skip what needs colours.
 *
 * @returns the crop in the workspace, valid until the next call
 */
export function augmentBytes(workspace: ImageWorkspace, parameters: AugmentParameters, size: Size): ImageView {
  const { channels } = workspace;
  const { height, width } = size;
  const { jitter, grayscale, blur, solarize } = parameters;
  let { ptr } = cropAndResize(workspace, parameters, size);
  for (const step of jitter) applyColor(workspace, step, { ptr, height, width });
  if (grayscale && channels === 3) kernels.grayscale_u8(height, width, ptr, ptr);
  if (blur) {
    const weights = gaussianWeights(blur.kernel, blur.sigma);
    const blurred = workspace.reserve("back", height * width * channels);
    kernels.blur_u8(height, width, channels, ptr, workspace.put("blur", weights), weights.length - 1, blurred);
    ptr = blurred;
  }
  if (solarize) kernels.solarize_u8(height, width * channels, ptr, SOLARIZE_THRESHOLD, ptr);
  return { ptr, height, width };
}

function cropAndResize(
  workspace: ImageWorkspace,
  { rotation, window, flip }: AugmentParameters,
  size: Size,
): ImageView {
  if (rotation === 0) return resizeImage(workspace, { source: workspace.source, window, size, flip });
  const turned = rotateWindow(workspace, rotation, window);
  return resizeImage(workspace, { source: turned, window: { top: 0, left: 0, ...turned }, size, flip });
}

/** What `resizeImage` makes of an image. */
export interface ResizeRequest {
  readonly source: ImageView;
  /** The part of the source that is seen; pixels outside do not take part. Default all. */
  readonly window?: Window;
  /** Size to which the window is brought. */
  readonly size: Size;
  /** The part of the result that is computed. Default all. */
  readonly visible?: Window;
  /** Mirrors left and right. */
  readonly flip?: boolean;
  readonly filter?: ResampleFilter;
}

/**
 * Resizes as Pillow: first every needed row, then every column, each rounded to bytes.
 *
 * @returns the visible part of the result in the workspace, valid until the next call
 */
export function resizeImage(workspace: ImageWorkspace, request: ResizeRequest): ImageView {
  const { channels } = workspace;
  const { source, size, flip = false, filter = "bicubic" } = request;
  const { window = { top: 0, left: 0, ...source }, visible = { top: 0, left: 0, ...size } } = request;
  const across = workspace.table(window.width, size.width, filter, flip);
  const down = workspace.table(window.height, size.height, filter, false);
  const tables = uploadTables(workspace, across, down);

  // Rows of the window that some visible row of the result needs.
  const last = 2 * (visible.top + visible.height - 1);
  const firstRow = down.bounds[2 * visible.top];
  const rows = down.bounds[last] + down.bounds[last + 1] - firstRow;
  const sourceBytes = source.width * channels;
  const from = source.ptr + (window.top + firstRow) * sourceBytes + window.left * channels;
  const rowBytes = visible.width * channels;
  const narrowed = workspace.reserve("narrowed", rows * rowBytes);
  const left = tableRow(tables.across, across, visible.left);
  kernels.resize_horizontal_u8(
    rows,
    visible.width,
    channels,
    from,
    sourceBytes,
    across.taps,
    left.bounds,
    left.weights,
    narrowed,
  );

  const ptr = workspace.reserve("front", visible.height * rowBytes);
  const top = tableRow(tables.down, down, visible.top);
  // The table counts rows from the window's top, `narrowed` starts at firstRow.
  const origin = narrowed - firstRow * rowBytes;
  kernels.resize_vertical_u8(visible.height, rowBytes, origin, rowBytes, down.taps, top.bounds, top.weights, ptr);
  return { ptr, height: visible.height, width: visible.width };
}

/** Addresses of a resampling table. */
interface TableAddress {
  bounds: number;
  weights: number;
}

function uploadTables(
  workspace: ImageWorkspace,
  across: ResampleTable,
  down: ResampleTable,
): { across: TableAddress; down: TableAddress } {
  const parts = [across.bounds, across.weights, down.bounds, down.weights];
  let ptr = workspace.reserve(
    "tables",
    across.bounds.length + across.weights.length + down.bounds.length + down.weights.length,
  );
  const { i32 } = runtime().heap;
  const [acrossBounds, acrossWeights, downBounds, downWeights] = parts.map((values) => {
    const at = ptr;
    i32.set(values, at >>> 2);
    ptr += 4 * values.length;
    return at;
  });
  return {
    across: { bounds: acrossBounds, weights: acrossWeights },
    down: { bounds: downBounds, weights: downWeights },
  };
}

/** A table from output pixel `first` on. */
function tableRow({ bounds, weights }: TableAddress, { taps }: ResampleTable, first: number): TableAddress {
  return { bounds: bounds + 8 * first, weights: weights + 4 * taps * first };
}

/** The window of the loaded image turned counter-clockwise about its centre; zeros come in from outside. */
function rotateWindow(workspace: ImageWorkspace, degrees: number, { top, left, height, width }: Window): ImageView {
  const { channels, source } = workspace;
  const angle = (-degrees * Math.PI) / 180;
  const [c, s] = [cos(angle), sin(angle)];
  const [centreX, centreY] = [source.width / 2, source.height / 2];
  const tx = c * -centreX + s * -centreY + centreX;
  const ty = -s * -centreX + c * -centreY + centreY;
  const ptr = workspace.reserve("rotated", height * width * channels);
  kernels.rotate_u8(height, width, channels, top, left, source.height, source.width, source.ptr, c, s, tx, ty, ptr);
  return { ptr, height, width };
}

/** One colour operation in place. A single channel has neither saturation nor hue. */
export function applyColor(
  workspace: ImageWorkspace,
  { op, amount }: ColorStep,
  { ptr, height, width }: ImageView,
): void {
  const { channels } = workspace;
  if (op === "brightness") kernels.brightness_u8(height, width * channels, ptr, amount, ptr);
  else if (op === "contrast") {
    const sums = workspace.reserve("sums", height);
    kernels.luma_sums_u8(height, width, channels, ptr, sums);
    kernels.contrast_u8(height, width, channels, ptr, sums, amount, ptr);
  } else if (channels !== 3) return;
  else if (op === "saturation") kernels.saturation_u8(height, width, ptr, amount, ptr);
  else kernels.hue_u8(height, width, ptr, Math.trunc(amount * 255) & 255, ptr);
}

/**
 * Half of a sampled Gaussian, normalised over all taps.
 *
 * @param taps  odd
 * @param sigma  deviation in pixels, > 0
 * @returns weights from the centre outwards
 */
function gaussianWeights(taps: number, sigma: number): Float32Array {
  const radius = (taps - 1) / 2;
  const half = Float64Array.from({ length: radius + 1 }, (_, d) => exp((-0.5 * (d * d)) / (sigma * sigma)));
  const sum = 2 * half.reduce((total, weight) => total + weight, 0) - half[0];
  return Float32Array.from(half, (weight) => weight / sum);
}

/** (bytes / 255 − mean) / std, channel by channel, to f32 [channels, height, width] at `target`. */
export function normalizeImage(workspace: ImageWorkspace, { ptr, height, width }: ImageView, target: number): void {
  const { channels } = workspace;
  kernels.normalize_f32(height, width, channels, ptr, workspace.address("mean"), workspace.address("std"), target);
}
