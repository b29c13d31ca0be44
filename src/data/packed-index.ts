import { crc32 } from "../formats/crc32.js";
import type { RawImage } from "./dataset.js";

/** Raised when the files, or what decoding makes of an image, change; others are made anew. */
const FORMAT = 1;
const MAGIC = `POA images ${FORMAT}`.padEnd(16);
const KEY_CHARACTERS = 16;

export const HEADER_BYTES = MAGIC.length + KEY_CHARACTERS + 8;
export const ENTRY_BYTES = 32;

/** Where an image stands among packed ones. */
export interface PackedPlace {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Of its first byte. */
  readonly offset: number;
  /** CRC-32 of its bytes. */
  readonly checksum: number;
}

/** Of which data packed images are. */
export interface PackedIdentity {
  /** 16 hexadecimal digits that change when the data does. */
  readonly key: string;
  /** Number of images in the data, packed or not. */
  readonly length: number;
}

export const bytesOf = ({ width, height, channels }: Omit<PackedPlace, "offset" | "checksum">): number =>
  width * height * channels;

/** The first bytes of an index: what it is, which data, its checksum. */
export function headerOf({ key, length }: PackedIdentity): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(new TextEncoder().encode(MAGIC + key.padEnd(KEY_CHARACTERS).slice(0, KEY_CHARACTERS)));
  const view = new DataView(bytes.buffer);
  view.setUint32(HEADER_BYTES - 8, length, true);
  view.setUint32(HEADER_BYTES - 4, crc32(bytes.subarray(0, HEADER_BYTES - 4)), true);
  return bytes;
}

/** One entry of an index: number of the image, size, offset in two halves, checksum of the image, checksum of the entry. */
export function entryOf(index: number, place: PackedPlace): Uint8Array {
  const { width, height, channels, offset, checksum } = place;
  const bytes = new Uint8Array(ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  const fields = [index, width, height, channels, offset % 2 ** 32, Math.floor(offset / 2 ** 32), checksum];
  for (const [i, field] of fields.entries()) view.setUint32(4 * i, field, true);
  view.setUint32(ENTRY_BYTES - 4, crc32(bytes.subarray(0, ENTRY_BYTES - 4)), true);
  return bytes;
}

/** Where packed images stand, as an index file tells; of an image that was packed twice the later place counts. */
export class PackedIndex {
  private readonly length: number;
  /** -1 for an image that is not packed. */
  private readonly offsets: Float64Array;
  private readonly widths: Uint32Array;
  private readonly heights: Uint32Array;
  private readonly channels: Uint8Array;
  private readonly checksums: Uint32Array;
  private bytesUsed = 0;

  /** @param length  number of images in the data */
  constructor(length: number) {
    this.length = length;
    this.offsets = new Float64Array(length).fill(-1);
    this.widths = new Uint32Array(length);
    this.heights = new Uint32Array(length);
    this.channels = new Uint8Array(length);
    this.checksums = new Uint32Array(length);
  }

  /** Behind the last packed image. */
  get end(): number {
    return this.bytesUsed;
  }

  /** Number of images that are packed. */
  get count(): number {
    return this.offsets.reduce((count, offset) => (offset >= 0 ? count + 1 : count), 0);
  }

  place(index: number): PackedPlace | null {
    if (!(this.offsets[index] >= 0)) return null;
    return {
      width: this.widths[index],
      height: this.heights[index],
      channels: this.channels[index],
      offset: this.offsets[index],
      checksum: this.checksums[index],
    };
  }

  set(index: number, place: PackedPlace): void {
    this.offsets[index] = place.offset;
    this.widths[index] = place.width;
    this.heights[index] = place.height;
    this.channels[index] = place.channels;
    this.checksums[index] = place.checksum;
    this.bytesUsed = Math.max(this.bytesUsed, place.offset + bytesOf(place));
  }

  /** Forgets an image; its bytes stay where they are. */
  drop(index: number): void {
    this.offsets[index] = -1;
  }

  /**
   * Takes entries over, up to the first that is cut off, damaged, or points behind the packed images.
   *
   * @param bytes  of an index file, from an entry on
   * @param dataBytes  length of the file of packed images
   * @returns how many bytes were taken
   */
  read(bytes: Uint8Array, dataBytes: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      const field = (i: number) => view.getUint32(at + 4 * i, true);
      if (crc32(bytes.subarray(at, at + ENTRY_BYTES - 4)) !== field(7)) break;
      const place = {
        width: field(1),
        height: field(2),
        channels: field(3),
        offset: field(4) + field(5) * 2 ** 32,
        checksum: field(6),
      };
      if (field(0) >= this.length || place.offset + bytesOf(place) > dataBytes) break;
      this.set(field(0), place);
    }
    return at;
  }
}

/** Whether an image can be packed: its size must fit an entry. */
export const packable = ({ width, height, channels, data }: RawImage): boolean =>
  channels < 256 && data.length === width * height * channels;
