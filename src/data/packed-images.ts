import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "../formats/crc32.js";
import type { RawImage } from "./dataset.js";
import {
  bytesOf,
  ENTRY_BYTES,
  entryOf,
  HEADER_BYTES,
  headerOf,
  type PackedIdentity,
  PackedIndex,
  packable,
} from "./packed-index.js";

/** Files of packed images in their folder. */
export const packedFiles = { images: "images", index: "index" } as const;

/** The two files as their one writer has them open. */
interface Writing {
  readonly images: number;
  readonly index: number;
  indexEnd: number;
}

/**
 * Decoded images of one data set in one file, found through the index in another. Both only grow, images before their entries,
 * and are read by position, so any number of threads and processes may read while one writes. What was cut off or damaged is
 * noticed by checksums: of each entry, and of each image when it is first read.
 */
export class PackedImages {
  private readonly index: PackedIndex;
  private readonly images: FileHandle;
  private readonly indexFile: FileHandle;
  private readonly writing: Writing | null;
  private indexRead: number;
  private readonly checked: Uint8Array;
  private closed = false;

  private constructor(
    { length }: PackedIdentity,
    files: { index: PackedIndex; images: FileHandle; indexFile: FileHandle; indexRead: number },
    writing: Writing | null,
  ) {
    this.index = files.index;
    this.images = files.images;
    this.indexFile = files.indexFile;
    this.indexRead = files.indexRead;
    this.writing = writing;
    this.checked = new Uint8Array(length);
  }

  /** Opens what is there for reading. @returns null if nothing is, or it is of other data */
  static async reader(folder: string, identity: PackedIdentity): Promise<PackedImages | null> {
    const bytes = readIfThere(join(folder, packedFiles.index));
    if (bytes === null || !hasHeader(bytes, identity)) return null;
    return PackedImages.opened(folder, identity, bytes);
  }

  /**
   * Opens for reading and writing, of which only one may do the latter at a time; makes the files if they are not there, and cuts
   * off what cannot be used.
   *
   * @param folder  exists
   * @returns the images, and whether some of them were damaged, which then have to be packed again
   */
  static async writer(folder: string, identity: PackedIdentity): Promise<{ packed: PackedImages; damaged: boolean }> {
    const paths = { images: join(folder, packedFiles.images), index: join(folder, packedFiles.index) };
    const found = readIfThere(paths.index);
    const usable = found !== null && hasHeader(found, identity);
    // New files instead of emptied ones: whoever still reads the old ones keeps them.
    if (!usable) for (const path of Object.values(paths)) rmSync(path, { force: true });
    const [images, indexFile] = [openToWrite(paths.images), openToWrite(paths.index)];
    try {
      if (!usable) writeAt(indexFile, headerOf(identity), 0);
      const index = new PackedIndex(identity.length);
      const entries = (usable ? found : new Uint8Array(HEADER_BYTES)).subarray(HEADER_BYTES);
      const indexEnd = HEADER_BYTES + index.read(entries, fstatSync(images).size);
      ftruncateSync(indexFile, indexEnd);
      ftruncateSync(images, index.end);
      const left = entries.length - (indexEnd - HEADER_BYTES);
      const packed = new PackedImages(
        identity,
        { index, images: await open(paths.images), indexFile: await open(paths.index), indexRead: indexEnd },
        { images, index: indexFile, indexEnd },
      );
      // A part of an entry is what a process that was killed leaves.
      return { packed, damaged: (found !== null && !usable) || left >= ENTRY_BYTES };
    } catch (error) {
      for (const file of [images, indexFile]) closeSync(file);
      throw error;
    }
  }

  private static async opened(folder: string, identity: PackedIdentity, bytes: Uint8Array): Promise<PackedImages> {
    const images = await open(join(folder, packedFiles.images));
    try {
      const indexFile = await open(join(folder, packedFiles.index));
      const index = new PackedIndex(identity.length);
      const taken = index.read(bytes.subarray(HEADER_BYTES), (await images.stat()).size);
      return new PackedImages(identity, { index, images, indexFile, indexRead: HEADER_BYTES + taken }, null);
    } catch (error) {
      await images.close();
      throw error;
    }
  }

  /** Bytes of both files. */
  get bytes(): number {
    return this.index.end + (this.writing?.indexEnd ?? this.indexRead);
  }

  /** Number of images that are packed, as far as is known. */
  get count(): number {
    return this.index.count;
  }

  /**
   * One image; every call reads it anew.
   *
   * @returns null if it is not packed; "damaged" if its bytes are not those that were packed, once: from then on it is not packed
   */
  async read(index: number): Promise<RawImage | null | "damaged"> {
    const place = this.index.place(index) ?? (await this.placeOfOthers(index));
    if (place === null) return null;
    const data = new Uint8Array(bytesOf(place));
    const whole = await readWhole(this.images, data, place.offset);
    if (!whole || (this.checked[index] === 0 && crc32(data) !== place.checksum)) {
      this.index.drop(index);
      return "damaged";
    }
    this.checked[index] = 1;
    const { width, height, channels } = place;
    return { width, height, channels, data };
  }

  /**
   * Packs an image; of the writer only.
   *
   * @returns whether it is packed now or was before
   * @throws the error of the file system, after which nothing is to be written any more
   */
  write(index: number, image: RawImage): boolean {
    const { writing } = this;
    if (!writing || this.closed || !packable(image)) return false;
    if (this.index.place(index) !== null) return true;
    const { width, height, channels, data } = image;
    const place = { width, height, channels, offset: this.index.end, checksum: crc32(data) };
    writeAt(writing.images, data, place.offset);
    writeAt(writing.index, entryOf(index, place), writing.indexEnd);
    writing.indexEnd += ENTRY_BYTES;
    this.index.set(index, place);
    this.checked[index] = 0;
    return true;
  }

  /** Takes an image for damaged that another thread has found to be, so that it can be packed again. */
  forget(index: number): void {
    this.index.drop(index);
  }

  /** Lets the files go, once reads that have begun are done. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.writing) for (const file of [this.writing.images, this.writing.index]) closeSync(file);
    await Promise.allSettled([this.images.close(), this.indexFile.close()]);
  }

  /** Looks for an image among those that another process has packed since. */
  private async placeOfOthers(index: number) {
    if (this.writing) return null;
    const grown = (await this.indexFile.stat()).size - this.indexRead;
    if (grown < ENTRY_BYTES) return null;
    const bytes = new Uint8Array(grown - (grown % ENTRY_BYTES));
    const from = this.indexRead;
    if (!(await readWhole(this.indexFile, bytes, from))) return null;
    const dataBytes = (await this.images.stat()).size;
    // Another read may have taken these entries over in the meantime.
    if (this.indexRead === from) this.indexRead += this.index.read(bytes, dataBytes);
    return this.index.place(index);
  }
}

const openToWrite = (path: string): number => openSync(path, constants.O_RDWR | constants.O_CREAT);

const hasHeader = (bytes: Uint8Array, identity: PackedIdentity): boolean =>
  bytes.length >= HEADER_BYTES && headerOf(identity).every((byte, i) => byte === bytes[i]);

function readIfThere(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function writeAt(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}

/** Fills `into`. @returns false if the file ends before */
async function readWhole(file: FileHandle, into: Uint8Array, position: number): Promise<boolean> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}
