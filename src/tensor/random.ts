import { ConfigError } from "../errors.js";
import { normalCdf, normalQuantile } from "./normal-distribution.js";
import { philox } from "./philox.js";

const WORD = 2 ** 32;

/** Fourth counter word of the blocks from which keys are derived; numbers are drawn from blocks where it is 0. */
const KEY_DERIVATION = 0x666f726b;

/** Where a random kernel starts: Philox key and the first two counter words. */
export interface RandomBlocks {
  readonly key0: number;
  readonly key1: number;
  readonly counter0: number;
  readonly counter1: number;
}

/**
 * A stream of random numbers named by a seed and a path of integers. The numbers depend on the name and on how many were
 * drawn before, on nothing else: not on the engine, not on other streams. Philox 4×32-10 in counter mode.
 *
 * `new Rng(7, 1).fork(2)`, `new Rng(7).fork(1, 2)` and `new Rng(7, 1, 2)` are the same stream, however much was drawn from
 * the stream that was forked.
 */
export class Rng {
  readonly seed: number;
  readonly path: readonly number[];
  private readonly key: Uint32Array;
  private readonly counter = new Uint32Array(4);
  private readonly words = new Uint32Array(4);
  private block = -1;
  private lane = 4;
  private bound = Number.NaN;
  private below = 0;

  /**
   * @param seed  any integer up to 2^53 in size
   * @param path  integers that name a stream of this seed
   * @throws ConfigError for a number that is not such an integer
   */
  constructor(seed: number, ...path: number[]) {
    this.seed = seed;
    this.path = path;
    this.key = new Uint32Array(4);
    for (const part of [seed, ...path]) absorb(this.key, part);
  }

  /** The stream of the same seed and a longer path; untouched by what was drawn here. */
  fork(...path: number[]): Rng {
    return new Rng(this.seed, ...this.path, ...path);
  }

  /** How many 32-bit words have been drawn; with seed and path, all there is to save. */
  get position(): number {
    return 4 * this.block + this.lane;
  }

  /** Continues after the given number of words. @throws ConfigError unless a whole number from 0 to 2^53 */
  seek(position: number): void {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new ConfigError(`rng: the position must be a whole number from 0, got ${position}.`);
    }
    this.block = Math.ceil(position / 4) - 1;
    this.lane = position - 4 * this.block;
    if (this.lane < 4) this.refill();
  }

  /** A uniform integer in [0, 2^32). */
  next32(): number {
    if (this.lane === 4) {
      this.block++;
      this.lane = 0;
      this.refill();
    }
    return this.words[this.lane++];
  }

  /** Uniform in [low, high), with 53 random bits; two words. The sum may round up to `high` unless low is 0. */
  uniform(low = 0, high = 1): number {
    const a = this.next32() >>> 5;
    const b = this.next32() >>> 6;
    return low + (high - low) * ((a * 67108864 + b) / 9007199254740992);
  }

  /** Uniform over low, low + 1, …, high; two words. @throws ConfigError if high < low or either is not an integer */
  integer(low: number, high: number): number {
    if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && low <= high)) {
      throw new ConfigError(`rng: integer(${low}, ${high}) needs two integers in ascending order.`);
    }
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** True with probability p; two words. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** Normal, by the inverse distribution function; two words. */
  normal(mean = 0, std = 1): number {
    return mean + std * normalQuantile(this.open());
  }

  /** Normal with mean 0, restricted to [−bound, bound] (both in the units of the result); two words. */
  truncatedNormal(std: number, bound: number): number {
    const limit = bound / std;
    if (limit !== this.bound) {
      this.bound = limit;
      this.below = normalCdf(-limit);
    }
    const x = std * normalQuantile(this.below + this.open() * (1 - 2 * this.below));
    return Math.max(-bound, Math.min(bound, x));
  }

  /** 0 … n−1 in random order. */
  permutation(n: number): Int32Array {
    return this.shuffle(Int32Array.from({ length: n }, (_, i) => i));
  }

  /** Puts the entries in random order, in place (Fisher-Yates from the end). Returns its argument. */
  shuffle(order: Int32Array): Int32Array {
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.integer(0, i);
      const kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }

  /** Sets aside whole blocks for a random kernel that draws `count` words; later draws come after them. */
  reserve(count: number): RandomBlocks {
    const first = Math.ceil(this.position / 4);
    this.seek(4 * (first + Math.ceil(count / 4)));
    return { key0: this.key[0], key1: this.key[1], counter0: first % WORD, counter1: Math.floor(first / WORD) };
  }

  /** Uniform in the open interval (0, 1), with 52 random bits; two words. */
  private open(): number {
    const a = this.next32() >>> 6;
    const b = this.next32() >>> 6;
    return (a * 67108864 + b + 0.5) / 4503599627370496;
  }

  private refill(): void {
    this.counter[0] = this.block % WORD;
    this.counter[1] = Math.floor(this.block / WORD);
    philox(this.words, this.counter, this.key[0], this.key[1]);
  }
}

/** key ← the first two words of the block at `part` under the old key: neighbouring parts give unrelated keys. */
function absorb(key: Uint32Array, part: number): void {
  if (!Number.isSafeInteger(part)) {
    throw new ConfigError(`rng: seed and path must be integers up to 2^53 in size, got ${part}.`);
  }
  const counter = Uint32Array.of(part, Math.floor(part / WORD), 0, KEY_DERIVATION);
  philox(key, counter, key[0], key[1]);
}
