import type { ImageSource } from "../data/dataset.js";
import { ConfigError, DataError } from "../errors.js";
import type { StateTensor } from "../optim/moments.js";
import { type Collective, gatherNumbers, gatherTexts } from "../runtime/collective.js";

/** What has to be the same on all ranks, by what a person calls it. */
export type Terms = Readonly<Record<string, unknown>>;

/** Terms about images: what differs in nothing else is a matter of data. */
const IMAGE_TERMS = ["images", "data fingerprint"] as const;

export function imageTerms(source: Pick<ImageSource, "length" | "fingerprint">): Terms {
  const [count, fingerprint] = IMAGE_TERMS;
  return { [count]: source.length, [fingerprint]: source.fingerprint() };
}

/**
 * Does what every rank does before it trains, and returns only if it went well on all of them and they mean the same. Where it
 * did not, the first rank to which it happened tells, and the others wait until it ends them.
 *
 * @param prepare  on this rank
 * @param termsOf  what of it has to be the same
 * @throws whatever `prepare` throws; ConfigError or DataError on rank 0 that names what differs
 */
export async function agreed<T>(
  ranks: Collective,
  prepare: () => Promise<T>,
  termsOf: (prepared: T) => Terms,
): Promise<T> {
  if (ranks.size === 1) return prepare();
  let prepared: T | undefined;
  let failure: unknown = null;
  let terms: Terms | null = null;
  try {
    prepared = await prepare();
    terms = termsOf(prepared);
  } catch (error) {
    failure = error;
  }
  const told = gatherTexts(ranks, JSON.stringify(terms)).map((text) => JSON.parse(text) as Terms | null);
  const failed = told.indexOf(null);
  if (failed === ranks.rank) throw failure;
  const differences = failed < 0 ? differingTerms(told as Terms[]) : [];
  if (ranks.rank === 0 && differences.length > 0) throw refusalOf(differences);
  if (failed >= 0 || differences.length > 0) ranks.barrier(); // the one who tells does not come here
  return prepared as T;
}

/** What rank 0 has, as plain data, on every rank. @param own  of rank 0; others give null */
export function fromRankZero<T>(ranks: Collective, own: T | null): T {
  if (ranks.size === 1) return own as T;
  return JSON.parse(gatherTexts(ranks, JSON.stringify(own))[0]) as T;
}

/** A term that differs. */
interface Difference {
  readonly term: string;
  readonly rank: number;
  readonly first: unknown;
  readonly here: unknown;
}

/** Longest list of differences that is told whole. */
const MOST_TOLD = 8;

function differingTerms([first, ...rest]: readonly Terms[]): Difference[] {
  return rest.flatMap((terms, i) =>
    [...new Set([...Object.keys(first), ...Object.keys(terms)])]
      .filter((term) => JSON.stringify(first[term]) !== JSON.stringify(terms[term]))
      .map((term) => ({ term, rank: i + 1, first: first[term], here: terms[term] })),
  );
}

function refusalOf(differences: readonly Difference[]): Error {
  const text = (value: unknown) => (value === undefined ? "not there" : JSON.stringify(value));
  const told = differences
    .slice(0, MOST_TOLD)
    .map(({ term, rank, first, here }) => `${term} is ${text(first)} on rank 0 and ${text(here)} on rank ${rank}`);
  const rest = differences.length - told.length;
  const list = [...told, ...(rest > 0 ? [`${rest} more`] : [])].join("; ");
  const ofImages = differences.every(({ term }) => (IMAGE_TERMS as readonly string[]).includes(term));
  if (ofImages)
    return new DataError(`the ranks do not have the same images: ${list}. Copy the data anew, or share the folder.`);
  return new ConfigError(
    `the ranks do not mean the same run: ${list}. Give all of them the same version, configuration and options.`,
  );
}

/**
 * Compares a checksum of tensors between the ranks.
 *
 * @param tensors  the same ones in the same order on every rank
 * @returns the ranks on which it is another than on rank 0
 */
export function divergedRanks(ranks: Collective, tensors: Iterable<Pick<StateTensor, "toArray">>): number[] {
  if (ranks.size === 1) return [];
  let sum = 0;
  for (const x of tensors) sum = checksum(x.toArray(), sum);
  const sums = gatherNumbers(ranks, [sum]).map(([value]) => value);
  return sums.flatMap((value, rank) => (value === sums[0] ? [] : [rank]));
}

/** FNV-1a over 32-bit words, with all bits mixed into each other. A digest of `numbers` behind what `before` stands for. */
function checksum(numbers: { readonly buffer: ArrayBufferLike; readonly byteLength: number }, before: number): number {
  const words = new Uint32Array(numbers.buffer, 0, numbers.byteLength / 4);
  let sum = before ^ 0x811c9dc5;
  for (let i = 0; i < words.length; i++) {
    sum = Math.imul(sum ^ words[i], 0x01000193);
    sum ^= sum >>> 15;
  }
  return sum >>> 0;
}
