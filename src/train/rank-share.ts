import { type ImageSource, subset } from "../data/dataset.js";
import type { Config } from "../poa/config-keys.js";
import type { Collective } from "../runtime/collective.js";
import { Rng } from "../tensor/random.js";

/** Keeps the division of images among ranks apart from other uses of a seed: "deal" in ASCII. */
const SHARE_STREAM = 0x6465616c;
/** Keeps the seeds of ranks apart: "proc" in ASCII. */
const RANK_STREAM = 0x70726f63;

/**
 * The images that one rank trains on: every size-th of a random order, so that each image belongs to one rank and shares differ
 * by one image at most (spec §1.4). In each pass a rank goes through its share in a new order.
 *
 * @param seed  of the run
 */
export function shareOf(source: ImageSource, seed: number, { rank, size }: Collective): ImageSource {
  if (size === 1) return source;
  const order = new Rng(seed, SHARE_STREAM, size).permutation(source.length);
  const indices = order.filter((_, i) => i % size === rank).sort(); // as they lie on the disk
  return subset(source, indices, `${source.name} (share of rank ${rank} of ${size})`);
}

/**
 * The config under which a rank draws orders, crops, masks and stochastic depth, so that no two ranks draw alike. Rank 0 has the
 * seed of the run, as a process on its own has. Weights and sub-networks are drawn under the run's own config.
 */
export function configOfRank(config: Config, { rank }: Collective): Config {
  if (rank === 0) return config;
  const { train } = config;
  return { ...config, train: { ...train, seed: new Rng(train.seed, RANK_STREAM, rank).next32() } } as Config;
}
