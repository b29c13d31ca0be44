import { mkdirSync, rmSync, statfsSync, truncateSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ImageSource, type RawImage, readBy } from "../data/dataset.js";
import { PackedImages, packedFiles } from "../data/packed-images.js";
import { ENTRY_BYTES, type PackedIdentity } from "../data/packed-index.js";
import type { DecodedImage, PackedPlaceRecipe } from "../data/packed-source.js";
import type { CachedSource, CacheOptions, OpenDiskCache } from "./cached-source.js";
import { FolderLock, isHeld } from "./folder-lock.js";

/** While another run adds to the files, this one looks this often whether it may. */
const RETRY_MS = 10_000;
/** Free space is asked for each time so many bytes have been written. */
const ASK_BYTES = 2 ** 24;

/** Folders that this process writes into; a lock tells only processes apart. */
const ownFolders = new Set<string>();

export interface DiskCacheOptions extends CacheOptions {
  /** Holds a folder for each data set. */
  readonly folder: string;
}

/** Disk caches in a folder. */
export function diskCacheIn(folder: string): OpenDiskCache {
  return (source, options) => diskCache(source, { ...options, folder });
}

/**
 * The same source, with its decoded images kept on disk once they have been read, as far as they fit. Whatever happens to the
 * files, images come out as the source gives them: what cannot be kept, or is damaged, is decoded again. Nothing is opened
 * before the first read. Runs may share a folder; one of them at a time adds to it.
 *
 * @param source  whose images do not change without its fingerprint
 */
export function diskCache(source: ImageSource, options: DiskCacheOptions): CachedSource {
  const files = new CacheFiles(source, options);
  return {
    source: {
      ...readBy(source, (index) => files.read(index)),
      get recipe() {
        return source.recipe && { kind: "packed" as const, of: source.recipe, place: files.place() };
      },
    },
    keep: (decoded) => void files.keepDecoded(decoded),
    open: () => files.open(),
    close: () => files.close(),
  };
}

/** Where the decoded images of a source are kept below `folder`. */
export function cacheFolderOf(folder: string, source: ImageSource): string {
  return join(resolve(folder), source.fingerprint());
}

class CacheFiles {
  private readonly source: ImageSource;
  private readonly options: DiskCacheOptions;
  private opening: Promise<PackedImages | null> | null = null;
  private openedAt = Number.NEGATIVE_INFINITY;
  /** Tells an opening that is under way that the files have been let go since. */
  private turn = 0;
  private packed: PackedImages | null = null;
  /** Ends this run's turn as the one that adds. */
  private release: (() => void) | null = null;
  /** Of this data set; known once it has been opened. */
  private folder = "";
  private closed = false;
  /** Nothing is read any more, since something went wrong. */
  private off = false;
  /** Nothing is added any more. */
  private full = false;
  private unasked = ASK_BYTES;
  /** 1 while workers are to tell of images that are missing; null where threads share no memory. */
  private readonly wanted: Int32Array | null;
  private readonly told = new Set<string>();

  constructor(source: ImageSource, options: DiskCacheOptions) {
    this.source = source;
    this.options = options;
    this.wanted = typeof SharedArrayBuffer === "undefined" ? null : new Int32Array(new SharedArrayBuffer(4)).fill(1);
  }

  async read(index: number): Promise<RawImage> {
    const packed = await this.files();
    const kept = packed && (await this.readFrom(packed, index));
    if (kept) return kept;
    const image = await this.source.read(index);
    this.keep(index, image);
    return image;
  }

  /** Where workers find images, and whether they are to tell of others. */
  place(): PackedPlaceRecipe {
    this.folder ||= cacheFolderOf(this.options.folder, this.source);
    return { folder: this.folder, identity: this.identity(), wanted: this.wanted };
  }

  /** Keeps an image that a worker has decoded. */
  async keepDecoded({ index, image, damaged }: DecodedImage): Promise<void> {
    const packed = await this.files();
    if (!packed) return;
    if (damaged) {
      packed.forget(index);
      this.tellDamage();
    }
    this.keep(index, image);
    const { full, off, release } = this;
    if (this.wanted && (full || off || release === null)) Atomics.store(this.wanted, 0, 0);
  }

  private identity(): PackedIdentity {
    return { key: this.source.fingerprint(), length: this.source.length };
  }

  open(): void {
    this.closed = false;
  }

  close(): void {
    this.closed = true;
    this.turn++;
    this.opening = null;
    this.letGo();
  }

  /** The files, opened if it is time to; null while there are none. */
  private files(): Promise<PackedImages | null> | null {
    if (this.off || this.closed) return null;
    const now = performance.now();
    if (this.opening === null || (this.release === null && now - this.openedAt >= RETRY_MS)) {
      this.openedAt = now;
      this.opening = this.openFiles(this.turn);
    }
    return this.opening;
  }

  private async openFiles(turn: number): Promise<PackedImages | null> {
    const identity = this.identity();
    this.folder ||= cacheFolderOf(this.options.folder, this.source);
    let release: (() => void) | null = null;
    try {
      mkdirSync(this.folder, { recursive: true });
      release = this.turnToWrite();
      if (release === null && this.packed) return this.packed;
      const opened = release
        ? await PackedImages.writer(this.folder, identity)
        : { packed: await PackedImages.reader(this.folder, identity), damaged: false };
      if (turn !== this.turn) {
        void opened.packed?.close();
        release?.();
        return null;
      }
      if (opened.damaged) this.tell(`files in ${this.folder} were damaged; what is missing is decoded and kept again.`);
      this.letGo();
      [this.packed, this.release] = [opened.packed, release];
      return this.packed;
    } catch (error) {
      release?.();
      this.giveUp(error);
      return null;
    }
  }

  /** @returns how to end it; null if another run adds to the files, or this one must not */
  private turnToWrite(): (() => void) | null {
    const { folder } = this;
    if (!ownFolders.has(folder) && !isHeld(folder)) {
      const lock = new FolderLock(folder);
      try {
        lock.take();
        ownFolders.add(folder);
        return () => {
          ownFolders.delete(folder);
          lock.release();
        };
      } catch (error) {
        if (!isHeld(folder)) {
          this.tell(`${(error as Error).message} What is there is read.`);
          return null;
        }
      }
    }
    this.tell(`another run adds to ${folder}; this one reads what is there.`);
    return null;
  }

  private async readFrom(packed: PackedImages, index: number): Promise<RawImage | null> {
    try {
      const kept = await packed.read(index);
      if (kept !== "damaged") return kept;
      this.tellDamage();
    } catch (error) {
      if (packed === this.packed) this.giveUp(error); // else the files were let go in the meantime
    }
    return null;
  }

  private keep(index: number, image: RawImage): void {
    const { packed, folder } = this;
    if (this.full || !packed || !this.release) return;
    const { maxBytes, reserveBytes = 0 } = this.options;
    const { length } = image.data;
    if (packed.bytes + length + ENTRY_BYTES > maxBytes) {
      if (this.wanted) Atomics.store(this.wanted, 0, 0); // a smaller one might fit, for which no worker need send all
      this.tell(`${folder} is full (train.cache_gib); the images that are not in it are decoded each time.`);
      return;
    }
    try {
      this.unasked += length;
      if (this.unasked >= ASK_BYTES) {
        const { bavail, bsize } = statfsSync(folder);
        this.full = bavail * bsize < reserveBytes + length + ASK_BYTES;
        this.unasked = 0;
      }
      if (!this.full) packed.write(index, image);
      else this.tell(`the disk of ${folder} is nearly full; what is left is for checkpoints, so no image is added.`);
    } catch (error) {
      this.giveUp(error);
    }
  }

  /** Goes on without the files, and removes them if they may have filled the disk that the run has to save on. */
  private giveUp(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    this.off = true;
    if (this.release && (code === "ENOSPC" || code === "EDQUOT")) {
      for (const name of Object.values(packedFiles)) removeQuietly(join(this.folder, name));
      this.tell(`the disk of ${this.folder} is full. The images kept there are removed; the run goes on without.`);
    } else this.tell(`${message}. The run goes on without it.`);
    this.letGo();
  }

  private letGo(): void {
    void this.packed?.close();
    this.release?.();
    [this.packed, this.release] = [null, null];
  }

  private tellDamage(): void {
    this.tell(`an image in ${this.folder} is damaged; such images are decoded and kept again.`);
  }

  /** Each message once. */
  private tell(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.options.onWarning?.(`train.cache=disk: ${message}`);
  }
}

function removeQuietly(path: string): void {
  try {
    truncateSync(path); // else the space would be taken as long as a worker has the file open
    rmSync(path);
  } catch {
    // What cannot be removed stays; the run is what counts.
  }
}
