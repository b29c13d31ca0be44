import { ConfigError } from "../errors.js";

// Operations that give each level of a channel another one, as Pillow's ImageOps do on 8-bit images. A table has the 256
// new levels of a channel.

const LEVELS = 256;

/** New levels for all pixels, from the level alone. */
function table(levelOf: (level: number) => number): Uint8Array {
  return Uint8Array.from({ length: LEVELS }, (_, level) => levelOf(level));
}

/** 255 − s */
export function invertTable(): Uint8Array {
  return table((level) => 255 - level);
}

/**
 * Keeps the highest bits.
 *
 * @param bits  0 … 8; 0 makes everything black
 */
export function posterizeTable(bits: number): Uint8Array {
  const mask = ~((1 << (8 - bits)) - 1);
  return table((level) => level & mask);
}

/** Inverts levels from a threshold on. @param threshold  0 … 256 */
export function solarizeTable(threshold: number): Uint8Array {
  return table((level) => (level < threshold ? level : 255 - level));
}

/** Adds to the levels below 128. @param amount  ≥ 0 */
export function solarizeAddTable(amount: number): Uint8Array {
  return table((level) => (level < 128 ? Math.min(255, level + amount) : level));
}

/** How often each level occurs in one channel of interleaved pixels. */
export function histogram(bytes: Uint8Array, channel: number, channels: number): Int32Array {
  const counts = new Int32Array(LEVELS);
  for (let i = channel; i < bytes.length; i += channels) counts[bytes[i]]++;
  return counts;
}

/** Stretches the levels that occur over 0 … 255. @param counts  histogram of the channel */
export function autoContrastTable(counts: Int32Array): Uint8Array {
  const low = counts.findIndex((count) => count > 0);
  const high = counts.findLastIndex((count) => count > 0);
  if (high <= low) return table((level) => level);
  const scale = 255 / (high - low);
  const offset = -low * scale;
  return table((level) => Math.max(0, Math.min(255, Math.trunc(level * scale + offset))));
}

/** Makes all levels about equally frequent. @param counts  histogram of the channel */
export function equalizeTable(counts: Int32Array): Uint8Array {
  const last = counts.findLast((count) => count > 0) ?? 0;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const step = Math.floor((total - last) / 255);
  if (step === 0) return table((level) => level);
  let below = Math.floor(step / 2);
  return table((level) => {
    const value = Math.min(255, Math.floor(below / step));
    below += counts[level];
    return value;
  });
}

/**
 * Replaces the levels of interleaved pixels in place.
 *
 * @param bytes  [pixels, channels]
 * @param tables  one for each channel, or one for all
 * @throws ConfigError for another number of tables
 */
export function applyTables(bytes: Uint8Array, tables: readonly Uint8Array[], channels: number): void {
  if (tables.length !== 1 && tables.length !== channels)
    throw new ConfigError(
      `tables: ${tables.length} tables for ${channels} channels, expected one each or one for all.`,
    );
  const step = tables.length;
  tables.forEach((table, channel) => {
    for (let i = channel; i < bytes.length; i += step) bytes[i] = table[bytes[i]];
  });
}
