import type { ImageSource } from "../data/dataset.js";
import { memoryCache } from "../data/memory-cache.js";
import type { DecodedImage } from "../data/packed-source.js";
import { ConfigError } from "../errors.js";
import type { Config } from "../poa/config-keys.js";

const GIB = 2 ** 30;
/** Where train.cache_gib is null. */
const DEFAULT_GIB = { none: 0, memory: 2, disk: 16 };

/** What a cache of decoded images may take. */
export interface CacheOptions {
  /** Bound on the bytes that are kept. */
  readonly maxBytes: number;
  /** Free space that is to be left for other things, such as checkpoints. Default 0. */
  readonly reserveBytes?: number;
  /** Told of what the cache could not keep. */
  readonly onWarning?: (message: string) => void;
}

/** A source whose decoded images are kept. */
export interface CachedSource {
  readonly source: ImageSource;
  /** Keeps images, as it does from the start. */
  open(): void;
  /** Keeps an image that a worker has decoded, where workers do not keep them themselves. */
  keep(decoded: DecodedImage): void;
  /** Lets files go. Reads still work, such as those ahead of a run that ends, and keep nothing. */
  close(): void;
}

/** Keeps decoded images on disk (train/disk-cache.ts); handed in where there is one, since a browser has none. */
export type OpenDiskCache = (source: ImageSource, options: CacheOptions) => CachedSource;

/** Bound on the bytes of decoded images that are kept. */
export function cacheBytes({ cache, cache_gib }: Config["train"]): number {
  return Math.floor((cache_gib ?? DEFAULT_GIB[cache]) * GIB);
}

/**
 * The source as train.cache wants it.
 *
 * @throws ConfigError for images on disk where nobody has said how
 */
export function cachedSource(
  source: ImageSource,
  train: Config["train"],
  { diskCache, ...options }: Omit<CacheOptions, "maxBytes"> & { readonly diskCache?: OpenDiskCache },
): CachedSource {
  const maxBytes = cacheBytes(train);
  const withoutFiles = { open: () => {}, keep: () => {}, close: () => {} };
  if (train.cache === "none") return { source, ...withoutFiles };
  if (train.cache === "memory") return { source: memoryCache(source, maxBytes), ...withoutFiles };
  if (diskCache) return diskCache(source, { ...options, maxBytes });
  throw new ConfigError(
    "train.cache=disk is for runs with a folder (poa pretrain). Choose memory, or give the trainer a diskCache.",
  );
}
