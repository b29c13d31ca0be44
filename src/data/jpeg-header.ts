import { DataError } from "../errors.js";
import { exifOrientation } from "./exif.js";

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly components: 1 | 3 | 4;
  /** EXIF orientation, 1 to 8. */
  readonly orientation: number;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP1 = 0xe1;

/** A progressive file may hold any number of scans, each of which costs a pass over the whole image. */
const MAX_SCANNED_IMAGES = 16;

interface Frame {
  width: number;
  height: number;
  components: number;
}

/**
 * Walks all markers of a JPEG file, so that a decoder is only called for images of known and bounded size that are all there.
 *
 * @param bytes  the whole file, starting with the SOI marker
 * @param label  what to call it in an error, usually its path
 * @param maxPixels  largest width · height
 * @returns the size as stored (before the orientation is applied), components, orientation
 * @throws DataError for a truncated file (no EOI marker), an arithmetic-coded, lossless, hierarchical or 12-bit one, a size of zero or
 *   above the limit, 2 components, and a number of scans that no encoder writes
 * Source: ITU-T T.81, annex B.
 */
export function readJpegHeader(bytes: Uint8Array, label: string, maxPixels: number): JpegHeader {
  const refuse = (reason: string): never => {
    throw new DataError(`${label}: ${reason}`);
  };
  const truncated = "the JPEG data is cut off before its end marker. Copy or download the file again.";
  let frame: Frame | null = null;
  let orientation = 0;
  let scans = 0;
  let position = 2;
  for (;;) {
    position = nextMarker(bytes, position);
    if (position >= bytes.length) return refuse(truncated);
    const marker = bytes[position++];
    if (marker === EOI) break;
    if (marker === SOI) return refuse("the JPEG data holds a second start marker. Save the image again.");
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue; // TEM and RSTn stand alone
    const length = position + 2 <= bytes.length ? bytes[position] * 256 + bytes[position + 1] : 0;
    if (length < 2 || position + length > bytes.length) return refuse(truncated);
    const body = bytes.subarray(position + 2, position + length);
    position += length;
    if (isFrame(marker)) {
      if (frame !== null) return refuse("the JPEG data holds two frames (hierarchical), which is not supported.");
      frame = readFrame(marker, body, refuse);
      checkSize(frame, maxPixels, refuse);
    } else if (marker === APP1 && orientation === 0) {
      orientation = readOrientation(body);
    } else if (marker === SOS) {
      scans++;
    }
  }
  if (frame === null || scans === 0)
    return refuse("the JPEG data holds no image (no frame or no scan). Save the image again.");
  const { width, height, components } = frame;
  if (scans > 3 && scans * width * height > MAX_SCANNED_IMAGES * maxPixels) {
    return refuse(`${scans} scans of ${width}x${height} pixels would take too long to decode. Save the image again.`);
  }
  return { width, height, components: components as 1 | 3 | 4, orientation: orientation || 1 };
}

/** Position of the next marker code: the byte after an FF that is neither 00 (a stuffed data byte) nor FF (fill). */
function nextMarker(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1];
    if (code !== undefined && code !== 0x00 && code !== 0xff) return at + 1;
  }
  return bytes.length;
}

/** SOF0 to SOF15; C4, C8 and CC in their midst are DHT, JPG and DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(marker: number, body: Uint8Array, refuse: (reason: string) => never): Frame {
  if (marker >= 0xc9)
    return refuse("the JPEG data is arithmetic-coded, which is not supported. Save the image as ordinary JPEG.");
  if (marker > 0xc2)
    return refuse(
      "the JPEG data is lossless or hierarchical, which is not supported. Save the image as ordinary JPEG.",
    );
  if (body.length < 6 || body.length < 6 + 3 * body[5])
    return refuse("the JPEG frame header is too short. Save the image again.");
  if (body[0] !== 8)
    return refuse(`the JPEG data has ${body[0]} bits per sample, only 8 are supported. Save the image as 8-bit JPEG.`);
  return { height: body[1] * 256 + body[2], width: body[3] * 256 + body[4], components: body[5] };
}

function checkSize({ width, height, components }: Frame, maxPixels: number, refuse: (reason: string) => never): void {
  if (width === 0 || height === 0) refuse(`the JPEG header gives a size of ${width}x${height}. Save the image again.`);
  if (width * height > maxPixels) {
    refuse(
      `${width}x${height} is more than ${maxPixels} pixels. Make the image smaller, or raise the limit on pixels.`,
    );
  }
  if (components !== 1 && components !== 3 && components !== 4) {
    refuse(`the JPEG data has ${components} components, 1, 3 and 4 are supported. Save the image as RGB.`);
  }
}

/** Orientation of an "Exif\0\0" segment; 0 for an APP1 segment of another kind. */
function readOrientation(body: Uint8Array): number {
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0];
  return exif.every((byte, i) => body[i] === byte) ? exifOrientation(body.subarray(exif.length)) : 0;
}
