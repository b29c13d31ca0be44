import { DataError } from "../errors.js";
import { exifOrientation } from "./exif.js";

/** Where the picture of a WebP file is, and how large. */
export interface WebpHeader {
  /** Of the canvas, as stored (before the orientation is applied). */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 to 8. */
  readonly orientation: number;
  readonly frame: WebpFrame;
}

/** The still picture, or the first one of an animation. */
export interface WebpFrame {
  /** Place of its left upper corner on the canvas; 0, 0 for a still picture, which fills the canvas. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** A complete WebP file of this picture alone. */
  readonly file: Uint8Array;
}

interface Chunk {
  readonly type: string;
  readonly body: Uint8Array;
}

type Refuse = (reason: string) => never;

const RIFF_BYTES = 12;
const CHUNK_BYTES = 8;
const EXTENDED_BYTES = 10;
const FRAME_BYTES = 16;
const [HAS_ALPHA, IS_ANIMATED] = [0x10, 0x02];

/**
 * Walks the parts of a WebP file, so that a decoder is only called for pictures of known and bounded size that are all there.
 *
 * @param bytes  the whole file, starting with RIFF....WEBP
 * @param label  what to call it in an error, usually its path
 * @param maxPixels  largest width · height of the canvas
 * @throws DataError for a file that is cut off, holds no picture, or whose sizes contradict each other, are zero or above the limit
 * Source: WebP Container Specification; RFC 6386, section 9.1; WebP Lossless Bitstream Specification, section 3.
 */
export function readWebpHeader(bytes: Uint8Array, label: string, maxPixels: number): WebpHeader {
  const refuse: Refuse = (reason) => {
    throw new DataError(`${label}: ${reason}`);
  };
  const end = RIFF_BYTES - 4 + viewOf(bytes).getUint32(4, true);
  if (end > bytes.length) refuse("the WebP data is cut off. Copy or download the file again.");
  const chunks = readChunks(bytes.subarray(RIFF_BYTES, end), refuse);
  const extended = chunks[0]?.type === "VP8X" ? chunks[0].body : null;
  if (extended && extended.length < EXTENDED_BYTES)
    refuse("the WebP header of its canvas is too short. Save the image again.");
  const canvas = extended && { width: 1 + uint24(extended, 4), height: 1 + uint24(extended, 7) };
  if (canvas) checkSize(canvas, maxPixels, refuse);
  const animated = extended !== null && (extended[0] & IS_ANIMATED) !== 0;
  const frame = animated ? firstFrame(chunks, canvas!, refuse) : still(chunks, canvas, refuse);
  if (!canvas) checkSize(frame, maxPixels, refuse);
  const { width, height } = canvas ?? frame;
  const exif = chunks.find(({ type }) => type === "EXIF");
  return { width, height, orientation: exif ? orientationOf(exif.body) : 1, frame };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function uint24(bytes: Uint8Array, at: number): number {
  return bytes[at] + bytes[at + 1] * 2 ** 8 + bytes[at + 2] * 2 ** 16;
}

/** Parts in their order; each is filled up to an even length. */
function readChunks(bytes: Uint8Array, refuse: Refuse): Chunk[] {
  const view = viewOf(bytes);
  const chunks: Chunk[] = [];
  for (let at = 0; at + CHUNK_BYTES <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const begin = at + CHUNK_BYTES;
    if (begin + length > bytes.length) refuse("a part of the WebP data is cut off. Copy or download the file again.");
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    chunks.push({ type, body: bytes.subarray(begin, begin + length) });
    at = begin + length + (length & 1);
  }
  return chunks;
}

function checkSize({ width, height }: { width: number; height: number }, maxPixels: number, refuse: Refuse): void {
  if (width === 0 || height === 0) refuse(`the WebP header gives a size of ${width}x${height}. Save the image again.`);
  if (width * height > maxPixels) {
    refuse(
      `${width}x${height} is more than ${maxPixels} pixels. Make the image smaller, or raise the limit on pixels.`,
    );
  }
}

function still(chunks: readonly Chunk[], canvas: { width: number; height: number } | null, refuse: Refuse): WebpFrame {
  const picture = readPicture(chunks, refuse);
  if (canvas && (picture.width !== canvas.width || picture.height !== canvas.height)) {
    refuse(
      `the WebP header says ${canvas.width}x${canvas.height}, the picture ${picture.width}x${picture.height}. Save the image again.`,
    );
  }
  return { x: 0, y: 0, ...picture };
}

function firstFrame(chunks: readonly Chunk[], canvas: { width: number; height: number }, refuse: Refuse): WebpFrame {
  const body = chunks.find(({ type }) => type === "ANMF")?.body;
  if (body === undefined || body.length < FRAME_BYTES)
    return refuse("the WebP data is an animation without a picture. Save the image again.");
  const [x, y] = [2 * uint24(body, 0), 2 * uint24(body, 3)];
  const [width, height] = [1 + uint24(body, 6), 1 + uint24(body, 9)];
  const picture = readPicture(readChunks(body.subarray(FRAME_BYTES), refuse), refuse);
  const agrees = picture.width === width && picture.height === height;
  if (!agrees || x + width > canvas.width || y + height > canvas.height)
    refuse("the first picture of the WebP animation does not fit its frame. Save the image again.");
  return { x, y, ...picture };
}

/** The one picture among these parts, with its transparency where that is stored apart. */
function readPicture(chunks: readonly Chunk[], refuse: Refuse): { width: number; height: number; file: Uint8Array } {
  const at = chunks.findIndex(({ type }) => type === "VP8 " || type === "VP8L");
  if (at < 0) return refuse("the WebP data holds no picture. Save the image again.");
  const picture = chunks[at];
  if (picture.type === "VP8L") return { ...losslessSize(picture.body, refuse), file: encode([picture]) };
  const size = lossySize(picture.body, refuse);
  const alpha = chunks.slice(0, at).find(({ type }) => type === "ALPH");
  if (alpha === undefined) return { ...size, file: encode([picture]) };
  const extended = new Uint8Array(EXTENDED_BYTES);
  extended[0] = HAS_ALPHA;
  const view = viewOf(extended);
  view.setUint16(4, size.width - 1, true); // of three bytes; a picture has at most 2¹⁴ columns and rows
  view.setUint16(7, size.height - 1, true);
  return { ...size, file: encode([{ type: "VP8X", body: extended }, alpha, picture]) };
}

function lossySize(body: Uint8Array, refuse: Refuse): { width: number; height: number } {
  const isKeyFrame =
    body.length >= 10 && (body[0] & 1) === 0 && body[3] === 0x9d && body[4] === 0x01 && body[5] === 0x2a;
  if (!isKeyFrame) refuse("the WebP picture does not start with its header. Save the image again.");
  const view = viewOf(body);
  const [width, height] = [view.getUint16(6, true) & 0x3fff, view.getUint16(8, true) & 0x3fff];
  if (width === 0 || height === 0) refuse(`the WebP header gives a size of ${width}x${height}. Save the image again.`);
  return { width, height };
}

function losslessSize(body: Uint8Array, refuse: Refuse): { width: number; height: number } {
  const bits = body.length >= 5 && body[0] === 0x2f ? viewOf(body).getUint32(1, true) : 0xffffffff;
  if (bits >>> 29 !== 0) refuse("the lossless WebP picture does not start with its header. Save the image again.");
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

function encode(chunks: readonly Chunk[]): Uint8Array {
  const length = chunks.reduce((sum, { body }) => sum + CHUNK_BYTES + body.length + (body.length & 1), 0);
  const file = Buffer.alloc(RIFF_BYTES + length);
  file.write("RIFF", 0, "latin1");
  file.writeUInt32LE(RIFF_BYTES - CHUNK_BYTES + length, 4);
  file.write("WEBP", 8, "latin1");
  let at = RIFF_BYTES;
  for (const { type, body } of chunks) {
    file.write(type, at, "latin1");
    file.writeUInt32LE(body.length, at + 4);
    file.set(body, at + CHUNK_BYTES);
    at += CHUNK_BYTES + body.length + (body.length & 1);
  }
  return file;
}

/** Some programs put the marker of a JPEG segment before the directory. */
function orientationOf(body: Uint8Array): number {
  const marker = [0x45, 0x78, 0x69, 0x66, 0, 0];
  return exifOrientation(marker.every((byte, i) => body[i] === byte) ? body.subarray(marker.length) : body);
}
