import type { RawImage } from "../../data/dataset.js";
import type { Box } from "../../data/detection.js";

type Color = readonly [red: number, green: number, blue: number];

/** Colours that people who see few colours tell apart (Okabe, Ito, 2008), with their names; classes beyond take them again. */
export const CLASS_COLORS: readonly (readonly [name: string, color: Color])[] = [
  ["orange", [230, 159, 0]],
  ["sky blue", [86, 180, 233]],
  ["green", [0, 158, 115]],
  ["vermilion", [213, 94, 0]],
  ["purple", [204, 121, 167]],
  ["blue", [0, 114, 178]],
  ["yellow", [240, 228, 66]],
];
/** Of what an annotator has marked. */
const TRUTH: Color = [255, 255, 255];
const FOUND_PIXELS = 3;
const TRUTH_PIXELS = 1;

/** An image and the boxes to draw on it. */
export interface BoxedImage {
  /** RGB */
  readonly image: RawImage;
  readonly truth: readonly Box[];
  readonly found: readonly { readonly box: Box; readonly label: number }[];
}

/** Images in rows of `columns` on black, what was found in the colour of its class, above it what is there in thin white. */
export function boxSheet(images: readonly BoxedImage[], columns: number): RawImage {
  const cellWidth = Math.max(...images.map(({ image }) => image.width));
  const cellHeight = Math.max(...images.map(({ image }) => image.height));
  const rows = Math.ceil(images.length / columns);
  const width = cellWidth * Math.min(columns, images.length);
  const sheet = { width, height: cellHeight * rows, channels: 3, data: new Uint8Array(3 * width * cellHeight * rows) };
  images.forEach(({ image, truth, found }, i) => {
    const canvas = { ...image, data: image.data.slice() };
    for (const { box, label } of found)
      drawBox(canvas, box, { color: CLASS_COLORS[label % CLASS_COLORS.length][1], pixels: FOUND_PIXELS });
    for (const box of truth) drawBox(canvas, box, { color: TRUTH, pixels: TRUTH_PIXELS });
    const [left, top] = [cellWidth * (i % columns), cellHeight * Math.floor(i / columns)];
    for (let y = 0; y < image.height; y++) {
      const row = canvas.data.subarray(3 * y * image.width, 3 * (y + 1) * image.width);
      sheet.data.set(row, 3 * ((top + y) * width + left));
    }
  });
  return sheet;
}

/** Draws the edges of a box inwards. */
function drawBox(image: RawImage, box: Box, { color, pixels }: { color: Color; pixels: number }): void {
  const limit = (value: number, most: number) => Math.min(Math.max(Math.round(value), 0), most);
  const [left, right] = [limit(box[0], image.width), limit(box[2], image.width)];
  const [top, bottom] = [limit(box[1], image.height), limit(box[3], image.height)];
  for (let y = top; y < bottom; y++) {
    const edge = y < top + pixels || y >= bottom - pixels;
    for (let x = left; x < right; x++) {
      if (edge || x < left + pixels || x >= right - pixels) image.data.set(color, 3 * (y * image.width + x));
    }
  }
}
