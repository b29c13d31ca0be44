import { DataError } from "../errors.js";
import { toChannels } from "./channels.js";
import type { RawImage } from "./dataset.js";
import type { AlphaRule } from "./decode-png.js";

/** File formats that are read. */
export type ImageFormat = "png" | "jpeg" | "webp";

/** How a file is decoded, and what errors call it. */
export interface DecodeOptions {
  /** What to call the bytes in an error, usually their path; its extension is compared with what the bytes are. */
  readonly path?: string;
  /** Channels of the result: 3 repeats grey, 1 takes luma of colour, "stored" keeps grey as 1 and colour as 3. Default 3. */
  readonly channels?: 1 | 3 | "stored";
  /** Largest width · height. Default 100 million. */
  readonly maxPixels?: number;
  /** What becomes of transparency. Default "drop", which is what `convert("RGB")` of Pillow and so the usual training code does. */
  readonly alpha?: AlphaRule;
}

/** An image, its format, and what is odd about the file. */
export interface DecodedImage {
  readonly image: RawImage;
  readonly format: ImageFormat;
  /** Something the user may want to know although the image is fine, such as an extension that lies; else null. */
  readonly note: string | null;
}

export const DEFAULT_MAX_PIXELS = 100_000_000;

/** First bytes of image formats, `null` for any byte. Source: the formats' specifications. */
const signatures: readonly (readonly [string, readonly (number | null)[]])[] = [
  ["PNG", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["JPEG", [0xff, 0xd8, 0xff]],
  ["WebP", [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]],
  ["GIF", [0x47, 0x49, 0x46, 0x38]],
  ["BMP", [0x42, 0x4d]],
  ["TIFF", [0x49, 0x49, 0x2a, 0x00]],
  ["TIFF", [0x4d, 0x4d, 0x00, 0x2a]],
  ["AVIF or HEIF", [null, null, null, null, 0x66, 0x74, 0x79, 0x70]],
  ["PDF", [0x25, 0x50, 0x44, 0x46]],
  ["a ZIP archive", [0x50, 0x4b, 0x03, 0x04]],
  ["gzip", [0x1f, 0x8b]],
];

const extensionsOf = { PNG: ["png"], JPEG: ["jpg", "jpeg", "jpe", "jfif"], WebP: ["webp"] } as const;

type Decodable = keyof typeof extensionsOf;

const formatNames: Readonly<Record<Decodable, ImageFormat>> = { PNG: "png", JPEG: "jpeg", WebP: "webp" };

/**
 * Decodes an image file. The format is told by the first bytes, not by the name; its decoder is loaded on first use.
 *
 * @param bytes  the whole file
 * @returns the upright image (EXIF orientation applied), its format, and a note if the name says another format
 * @throws DataError, its message starting with `options.path`, if the format is not supported or the file is damaged, cut off or too large
 */
export async function decode(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DecodedImage> {
  const { path = "image", channels = 3, maxPixels = DEFAULT_MAX_PIXELS, alpha = "drop" } = options;
  const format = sniff(bytes);
  if (format !== "PNG" && format !== "JPEG" && format !== "WebP")
    throw new DataError(`${path}: ${describe(bytes, format)}`);
  let image: RawImage;
  if (format === "PNG") {
    const { decodePng } = await import("./decode-png.js");
    image = decodePng(bytes, path, maxPixels, alpha);
  } else if (format === "JPEG") {
    const { decodeJpeg } = await import("./decode-jpeg.js");
    image = decodeJpeg(bytes, path, maxPixels);
  } else {
    const { decodeWebp } = await import("./decode-webp.js");
    image = decodeWebp(bytes, path, maxPixels, alpha);
  }
  return {
    image: channels === "stored" ? image : toChannels(image, channels),
    format: formatNames[format],
    note: noteOn(path, format),
  };
}

/** Name of the format that the first bytes tell, or null. */
function sniff(bytes: Uint8Array): string | null {
  const found = signatures.find(([, magic]) =>
    magic.every((byte, i) => (byte === null ? i < bytes.length : byte === bytes[i])),
  );
  return found?.[0] ?? null;
}

function describe(bytes: Uint8Array, format: string | null): string {
  if (bytes.length === 0) return "is empty (0 bytes). Copy or download it again.";
  if (format !== null) return `is ${format}, not supported in this version. Convert it to JPEG, PNG or WebP.`;
  const text = new TextDecoder("latin1").decode(bytes.slice(0, 256)).trimStart();
  if (/^<(!doctype html|html|head|body)/i.test(text))
    return "is an HTML page, not an image: the download went wrong. Fetch it again.";
  if (/^<(\?xml|svg|!doctype svg)/i.test(text))
    return "is XML or SVG, not supported in this version. Convert it to PNG.";
  const start = Array.from(bytes.slice(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `is not an image in a known format (it starts with ${start}). Remove it, or convert it to JPEG, PNG or WebP.`;
}

function noteOn(path: string, format: Decodable): string | null {
  const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1].toLowerCase();
  const known: readonly string[] = [...Object.values(extensionsOf).flat(), "gif", "bmp", "tif", "tiff"];
  const expected: readonly string[] = extensionsOf[format];
  if (extension === undefined || !known.includes(extension) || expected.includes(extension)) return null;
  return `${path}: is ${format} although its name ends in .${extension}; read as ${format}.`;
}
