import { canvasOf } from "./dom.js";
import type { SeenSquare } from "./messages.js";

/** Images with a longer side are made smaller before anything is done with them. */
const LARGEST_SIDE = 2048;

/** An image that was chosen. */
export interface ChosenPicture {
  readonly name: string;
  /** Name of its class, where that is known. */
  readonly label: string | null;
  readonly canvas: HTMLCanvasElement;
  readonly pixels: ImageData;
}

/**
 * Decodes an image as the library does: turned as its file says, its colours as they are stored.
 *
 * @throws Error in plain words if the browser cannot read it
 */
export async function pictureOf(file: Blob, name: string, label: string | null = null): Promise<ChosenPicture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error(`${name} is no image that this browser can read.`);
  }
  const scale = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const along = (side: number) => Math.max(1, Math.round(side * scale));
  const [canvas, context] = canvasOf(along(bitmap.width), along(bitmap.height));
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return { name, label, canvas, pixels: context.getImageData(0, 0, canvas.width, canvas.height) };
}

/** A part of an image on a square canvas of that many pixels. */
export function drawSquare({ canvas: source }: ChosenPicture, { x, y, side: part }: SeenSquare, side: number) {
  const [canvas, context] = canvasOf(side);
  context.imageSmoothingEnabled = part > side / 4; // few pixels are shown as what they are
  context.imageSmoothingQuality = "high";
  context.drawImage(source, x, y, part, part, 0, 0, side, side);
  return { canvas, context };
}
