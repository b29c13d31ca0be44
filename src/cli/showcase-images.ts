import { type ImageSource, randomSubset, subset } from "../data/dataset.js";
import { mayBeUndivided, openSource, parseSourceSpec } from "../data/source-spec.js";
import { ConfigError, DataError } from "../errors.js";
import { Rng } from "../tensor/random.js";

/** Keeps the images that are drawn apart from other uses of a seed: "show" in ASCII. */
const STREAM = 0x73686f77;

/** Which images a showcase has. */
export interface ShowcaseImages {
  readonly data: string;
  readonly test: string | undefined;
  /** Images of the bank, at most. */
  readonly bank: number;
  readonly samples: number;
}

/**
 * The bank, drawn at random from the split train of `data`, and samples, spread evenly over `test` or the split test. Of data
 * without splits the samples are held back, so that no image finds itself.
 *
 * @throws DataError if images are missing, ConfigError if none would be left for the bank
 */
export async function openShowcaseImages({ data, test, bank, samples }: ShowcaseImages) {
  const drawn = (source: ImageSource) => randomSubset(source, bank, new Rng(0, STREAM));
  const all = await openSource(data, { split: "train" });
  if (samples === 0) return { bank: drawn(all), samples: subset(all, new Int32Array(0), all.name) };
  const others = await samplesOf(data, test);
  if (others) return { bank: drawn(all), samples: subset(others, spread(others.length, samples), others.name) };
  if (samples >= all.length) {
    throw new ConfigError(
      `showcase: ${all.name} has ${all.length} images, and --samples ${samples} leave none for the bank. Take fewer.`,
    );
  }
  const held = spread(all.length, samples);
  const rest = Int32Array.from({ length: all.length }, (_, i) => i).filter((i) => !held.includes(i));
  return { bank: drawn(subset(all, rest, all.name)), samples: subset(all, held, all.name) };
}

/** Where samples come from, if it is not where the bank does. */
async function samplesOf(data: string, test: string | undefined): Promise<ImageSource | null> {
  const { kind, split, range } = parseSourceSpec(test ?? data);
  if (test === undefined && (split !== null || range !== null)) return null;
  try {
    return await openSource(test ?? data, { split: "test" });
  } catch (error) {
    if (!(error instanceof DataError) || !mayBeUndivided(kind) || split !== null) throw error;
    return test === undefined ? null : openSource(test);
  }
}

/** So many indices, evenly apart. */
function spread(length: number, wanted: number): Int32Array {
  const count = Math.min(wanted, length);
  return Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * length) / count));
}
