import { inflateSync } from "node:zlib";
import { PNG } from "pngjs";
import { DataError } from "../errors.js";
import type { RawImage } from "./dataset.js";
import { exifOrientation, turnUpright } from "./exif.js";

/** What becomes of transparency: "drop" keeps the stored colours as if opaque, "white" lays the image over white. */
export type AlphaRule = "drop" | "white";

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha. */
  readonly colorType: number;
  readonly interlaced: boolean;
}

export interface PngChunk {
  readonly type: string;
  readonly body: Uint8Array;
}

/** Throws a DataError that starts with the file's name. */
export type Refuse = (reason: string) => never;

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const samplesPerPixel: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const depthsOf: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const HAS_COLOR = 2;

/**
 * Decodes a PNG file: grey to 1 channel, all else to RGB; samples of 16 bits keep their high byte, fewer than 8 bits are spread over
 * 0 to 255; of an animation the still image is taken; turned upright by an eXIf chunk.
 *
 * pngjs is handed only what the pixels need, checked before: the size is limited by the header, checksums are verified, and the
 * compressed data is inflated once under a bound here, since pngjs inflates interlaced images without one and takes over whatever a
 * damaged stream leaves in its buffer.
 *
 * @param bytes  the whole file, starting with the PNG signature
 * @param label  what to call it in an error, usually its path
 * @param maxPixels  largest width · height
 * @param alpha  see `AlphaRule`
 * @throws DataError for a damaged or truncated file, a header that the format does not allow, a size of zero or above the limit
 * Source: Portable Network Graphics (PNG) Specification, second edition.
 */
export function decodePng(bytes: Uint8Array, label: string, maxPixels: number, alpha: AlphaRule): RawImage {
  const refuse = refusalOf(label);
  const { header, chunks } = openPng(bytes, maxPixels, refuse);
  const kept = chunks.filter(({ type }) => type === "PLTE" || (type === "tRNS" && alpha === "white"));
  const samples = pngSamples({ header, chunks }, kept, { raw: header.depth === 16, refuse });
  const image = toImage(samples, header, alpha);
  const exif = chunks.find(({ type }) => type === "eXIf");
  return exif ? turnUpright(image, exifOrientation(exif.body)) : image;
}

/** How the parts of a decoder refuse a file of that name. */
export function refusalOf(label: string): Refuse {
  return (reason) => {
    throw new DataError(`${label}: ${reason}`);
  };
}

/** A file's header and the chunks that matter for its pixels, checked. */
export interface OpenPng {
  readonly header: PngHeader;
  readonly chunks: readonly PngChunk[];
}

/** @throws DataError for a damaged or truncated file, a header that the format does not allow, a size of zero or above the limit */
export function openPng(bytes: Uint8Array, maxPixels: number, refuse: Refuse): OpenPng {
  const chunks = readChunks(bytes, refuse);
  return { header: readHeader(chunks[0], maxPixels, refuse), chunks };
}

/**
 * Samples as red, green, blue and alpha of each pixel.
 *
 * @param kept  chunks besides header and pixels that the decoder is to see
 * @param options.raw  samples as they are stored, of 16 bits too, instead of spread over 0 to 255
 * @throws DataError for pixel data that is damaged or of another length than the header needs
 */
export function pngSamples(
  { header, chunks }: OpenPng,
  kept: readonly PngChunk[],
  { raw, refuse }: { raw: boolean; refuse: Refuse },
): ArrayLike<number> {
  const pixelData = checkedPixelData(header, chunks, refuse);
  const file = Buffer.concat([
    SIGNATURE,
    ...[chunks[0], ...kept].map(encodeChunk),
    encodeChunk({ type: "IDAT", body: pixelData }),
    encodeChunk({ type: "IEND", body: new Uint8Array() }),
  ]);
  try {
    return PNG.sync.read(file, { checkCRC: false, skipRescale: raw }).data;
  } catch (error) {
    return refuse(`the PNG data is damaged (${(error as Error).message}). Copy or download it again.`);
  }
}

/** The chunks that matter for the pixels, up to IEND; anything behind it is ignored, as all viewers do. */
function readChunks(bytes: Uint8Array, refuse: Refuse): PngChunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: PngChunk[] = [];
  for (let position = SIGNATURE.length; ; ) {
    const length = position + 12 <= bytes.length ? view.getUint32(position) : Number.POSITIVE_INFINITY;
    if (position + 12 + length > bytes.length)
      return refuse("the PNG data is cut off. Copy or download the file again.");
    const type = String.fromCharCode(...bytes.subarray(position + 4, position + 8));
    const body = bytes.subarray(position + 8, position + 8 + length);
    if (chunks.length === 0 && (type !== "IHDR" || length !== 13))
      refuse("the PNG data does not start with its header. Save the image again.");
    if (/^(IHDR|PLTE|tRNS|IDAT|IEND|eXIf)$/.test(type)) {
      if (crc32(bytes.subarray(position + 4, position + 8 + length)) !== view.getUint32(position + 8 + length)) {
        refuse(`the PNG data is damaged (wrong checksum in its part ${type}). Copy or download it again.`);
      }
      chunks.push({ type, body });
    } else if (/^[A-Z]/.test(type)) {
      refuse(`the PNG data has a critical part ${JSON.stringify(type)} that is unknown. Save the image again.`);
    }
    if (type === "IEND") return chunks;
    position += 12 + length;
  }
}

function readHeader({ body }: PngChunk, maxPixels: number, refuse: Refuse): PngHeader {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colorType, compression, filter, interlace] = body.subarray(8);
  if (width === 0 || height === 0) refuse(`the PNG header gives a size of ${width}x${height}. Save the image again.`);
  if (width * height > maxPixels) {
    refuse(
      `${width}x${height} is more than ${maxPixels} pixels. Make the image smaller, or raise the limit on pixels.`,
    );
  }
  if (!depthsOf[colorType]?.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1) {
    refuse(`the PNG header is not valid (depth ${depth}, colour type ${colorType}). Save the image again.`);
  }
  return { width, height, depth, colorType, interlaced: interlace === 1 };
}

/** Bytes of one image or interlace pass after inflation: per row a filter byte and the packed samples. */
function rowsBytes({ depth, colorType }: PngHeader, width: number, height: number): number {
  return width === 0 ? 0 : height * (1 + Math.ceil((width * depth * samplesPerPixel[colorType]) / 8));
}

function inflatedBytes(header: PngHeader): number {
  const { width, height, interlaced } = header;
  if (!interlaced) return rowsBytes(header, width, height);
  // Adam7: [first column, first row, column step, row step] of each pass
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ];
  return passes.reduce((sum, [x, y, stepX, stepY]) => {
    const columns = Math.max(0, Math.ceil((width - x) / stepX));
    const rows = Math.max(0, Math.ceil((height - y) / stepY));
    return sum + rowsBytes(header, columns, rows);
  }, 0);
}

/** The compressed samples, once it is known that they inflate to exactly what the header needs. */
function checkedPixelData(header: PngHeader, chunks: readonly PngChunk[], refuse: Refuse): Uint8Array {
  const expected = inflatedBytes(header);
  const compressed = Buffer.concat(chunks.filter(({ type }) => type === "IDAT").map(({ body }) => body));
  let found = 0;
  let used = 0;
  try {
    const options = { info: true, maxOutputLength: expected };
    const result = inflateSync(compressed, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    found = result.buffer.length;
    used = result.engine.bytesWritten;
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const reason = tooLarge ? "holds more than its size needs" : `is damaged (${(error as Error).message})`;
    refuse(`the PNG data ${reason}. Copy or download it again.`);
  }
  if (found !== expected) refuse(`the PNG data holds ${found} of ${expected} bytes. Copy or download it again.`);
  return compressed.subarray(0, used);
}

/** With a checksum of zero, which is not read again. */
function encodeChunk({ type, body }: PngChunk): Uint8Array {
  const chunk = Buffer.alloc(12 + body.length);
  chunk.writeUInt32BE(body.length);
  chunk.write(type, 4, "latin1");
  chunk.set(body, 8);
  return chunk;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** From RGBA samples, 8 or 16 bits each, to grey or RGB bytes. */
function toImage(
  samples: ArrayLike<number>,
  { width, height, depth, colorType }: PngHeader,
  alpha: AlphaRule,
): RawImage {
  const channels = colorType & HAS_COLOR ? 3 : 1;
  const data = new Uint8Array(width * height * channels);
  const shift = depth === 16 ? 8 : 0;
  for (let from = 0, to = 0; to < data.length; from += 4) {
    const opacity = alpha === "drop" ? 255 : samples[from + 3] >> shift;
    for (let c = 0; c < channels; c++) {
      const sample = samples[from + c] >> shift;
      data[to++] = opacity === 255 ? sample : Math.round((sample * opacity + 255 * (255 - opacity)) / 255);
    }
  }
  return { width, height, channels, data };
}
