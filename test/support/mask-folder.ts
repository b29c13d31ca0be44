import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { pngFile, pngHeader } from "./image-fixtures.js";
import { seeded } from "./kernels.js";
import { pngOf } from "./program.js";

/** A mask as a grey PNG of 8 bits. */
export function maskPng(width: number, height: number, values: Uint8Array): Uint8Array {
  const rows = Buffer.alloc(height * (width + 1));
  for (let row = 0; row < height; row++)
    rows.set(values.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  return pngFile(["IHDR", pngHeader(width, height, 8, 0)], ["IDAT", deflateSync(rows)]);
}

/** A bright disc on dark noise and its mask, 1 inside: what can be told apart pixel by pixel. */
export function discImage(index: number, side = 32) {
  const next = seeded(index + 5);
  const [x0, y0] = [8 + 16 * next(), 8 + 16 * next()].map((at) => (at * side) / 32);
  const radius = ((5 + 5 * next()) * side) / 32;
  const data = new Uint8Array(3 * side * side);
  const mask = new Uint8Array(side * side);
  for (let i = 0; i < mask.length; i++) {
    const inside = ((i % side) - x0) ** 2 + (Math.floor(i / side) - y0) ** 2 < radius ** 2;
    mask[i] = inside ? 1 : 0;
    for (let c = 0; c < 3; c++) data[3 * i + c] = 60 * next() + (inside ? 150 : 0);
  }
  return { image: { width: side, height: side, channels: 3, data }, mask };
}

/** Writes such images with masks into `folder/images` and `folder/masks`. Inside, masks hold `value`. */
export function discFolder(folder: string, count: number, { first = 0, side = 32, value = 1 } = {}): string {
  for (const part of ["images", "masks"]) mkdirSync(join(folder, part), { recursive: true });
  for (let i = 0; i < count; i++) {
    const { image, mask } = discImage(first + i, side);
    const name = `${String(i).padStart(3, "0")}.png`;
    writeFileSync(join(folder, "images", name), pngOf(image));
    writeFileSync(
      join(folder, "masks", name),
      maskPng(
        side,
        side,
        mask.map((inside) => value * inside),
      ),
    );
  }
  return folder;
}
