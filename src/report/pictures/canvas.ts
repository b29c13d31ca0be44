import type { RawImage } from "../../data/dataset.js";
import { forEachTextPixel } from "./bitmap-font.js";

/** Red, green and blue, 0 … 255. */
export type Rgb = readonly [number, number, number];

export const WHITE: Rgb = [255, 255, 255];
export const INK: Rgb = [40, 44, 52];

/** A rectangle in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Placement {
  /** Of the left upper corner, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Pixels along each axis for one of the source, a whole number. Default 1. */
  readonly scale?: number;
}

/** A picture in the making, itself an RGB image. What lies outside of it is not drawn. */
export class Canvas implements RawImage {
  readonly width: number;
  readonly height: number;
  readonly channels = 3;
  readonly data: Uint8Array;

  constructor(width: number, height: number, background: Rgb = WHITE) {
    this.width = width;
    this.height = height;
    this.data = new Uint8Array(width * height * 3);
    this.fill({ x: 0, y: 0, width, height }, background);
  }

  fill({ x, y, width, height }: Box, color: Rgb): void {
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      for (let column = Math.max(0, x); column < Math.min(this.width, x + width); column++) {
        this.data.set(color, (row * this.width + column) * 3);
      }
    }
  }

  /** Copies an image of 1 or 3 channels. */
  draw({ width, height, channels, data }: RawImage, { x, y, scale = 1 }: Placement): void {
    const color = channels === 1 ? [0, 0, 0] : [0, 1, 2];
    for (let row = Math.max(0, -y); row < Math.min(height * scale, this.height - y); row++) {
      for (let column = Math.max(0, -x); column < Math.min(width * scale, this.width - x); column++) {
        const from = (Math.floor(row / scale) * width + Math.floor(column / scale)) * channels;
        const to = ((y + row) * this.width + x + column) * 3;
        for (let c = 0; c < 3; c++) this.data[to + c] = data[from + color[c]];
      }
    }
  }

  /** A frame of that thickness around a box, outside of it. */
  frame({ x, y, width, height }: Box, color: Rgb, thickness: number): void {
    const [wide, high] = [width + 2 * thickness, height + 2 * thickness];
    const [left, top] = [x - thickness, y - thickness];
    this.fill({ x: left, y: top, width: wide, height: thickness }, color);
    this.fill({ x: left, y: y + height, width: wide, height: thickness }, color);
    this.fill({ x: left, y: top, width: thickness, height: high }, color);
    this.fill({ x: x + width, y: top, width: thickness, height: high }, color);
  }

  /** A line of text in the small font. */
  text(text: string, { x, y, scale = 1 }: Placement, color: Rgb = INK): void {
    forEachTextPixel(text, (column, row) => {
      this.fill({ x: x + column * scale, y: y + row * scale, width: scale, height: scale }, color);
    });
  }
}
