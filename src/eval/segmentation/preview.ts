import type { RawImage } from "../../data/dataset.js";
import { IGNORED } from "../../data/mask-meaning.js";
import type { SegmentedImage } from "./segment-images.js";

/** Pixels of white between pictures. */
const GAP = 4;
/** Share of the class's colour where it lies over an image. */
const OPACITY = 0.5;

/**
 * The colour of a class, as far from those of its neighbours in number as three bits a channel allow: bit 3i + c of the number is bit
 * 7 − i of channel c (the colour map of PASCAL VOC). Class 0 is black.
 */
export function classColor(label: number): [number, number, number] {
  const color: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < 3; i++) for (let c = 0; c < 3; c++) color[c] |= ((label >> (3 * i + c)) & 1) << (7 - i);
  return color;
}

/** Rows of three pictures for each image: as it is, with its true classes laid over it, with the predicted ones. */
export function segmentationPreview(images: readonly SegmentedImage[]): RawImage {
  const widest = Math.max(...images.map(({ image }) => image.width));
  const width = 3 * widest + 2 * GAP;
  const height = images.reduce((sum, { image }) => sum + image.height + GAP, -GAP);
  const data = new Uint8Array(3 * width * height).fill(255);
  let top = 0;
  for (const { image, labels, predicted } of images) {
    [null, labels, predicted].forEach((classes, column) => {
      paint({ image, classes }, { data, width, top, left: column * (widest + GAP) });
    });
    top += image.height + GAP;
  }
  return { width, height, channels: 3, data };
}

interface Canvas {
  readonly data: Uint8Array;
  readonly width: number;
  readonly top: number;
  readonly left: number;
}

/** Puts an image on the canvas, the colours of classes over it except of class 0 and of pixels that do not count. */
function paint({ image, classes }: { image: RawImage; classes: Uint8Array | null }, to: Canvas): void {
  const { width, height, channels, data } = image;
  for (let i = 0; i < width * height; i++) {
    const at = 3 * ((to.top + Math.floor(i / width)) * to.width + to.left + (i % width));
    const label = classes?.[i] ?? 0;
    const color = label === 0 || label === IGNORED ? null : classColor(label);
    for (let c = 0; c < 3; c++) {
      const value = data[i * channels + (channels === 1 ? 0 : c)];
      to.data[at + c] = color ? Math.round((1 - OPACITY) * value + OPACITY * color[c]) : value;
    }
  }
}
