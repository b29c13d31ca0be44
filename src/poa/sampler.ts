import { ConfigError } from "../errors.js";
import { Rng } from "../tensor/random.js";

/** Keeps this sequence apart from every other use of the run's seed: "nets" in ASCII. */
const STREAM = 0x6e657473;

/** Where a sampler stands: plain numbers, for a checkpoint. */
export interface SamplerState {
  readonly seed: number;
  /** How often the list has been used up. */
  readonly pass: number;
  /** Entries of the current pass already drawn. */
  readonly position: number;
}

/** How many networks there are, and what their draws depend on. */
export interface SamplerOptions {
  /** Length n of the search space's list, the full network included. */
  networks: number;
  seed: number;
  /** Process; each draws its own sequence, as in the published runs. */
  rank?: number;
  /** Networks per step; 0 for none. */
  samplesPerStep?: number;
}

/**
 * Draws the elastic networks of a run without replacement: every pass goes once through the ids 0 … n−2 of the search
 * space in a new order (spec §2.2). The order is a function of seed, rank and pass alone, so a resumed run continues it
 * exactly. A space that holds only the full network yields that one, id 0.
 */
export class NetworkSampler {
  private readonly count: number;
  private readonly rank: number;
  private readonly samplesPerStep: number;
  private seed: number;
  private pass = 0;
  private position = 0;
  private order: Int32Array;

  /** @throws ConfigError unless networks is an integer ≥ 1 and samplesPerStep one ≥ 0 */
  constructor({ networks, seed, rank = 0, samplesPerStep = 1 }: SamplerOptions) {
    if (!Number.isInteger(networks) || networks < 1 || !Number.isInteger(samplesPerStep) || samplesPerStep < 0) {
      throw new ConfigError(
        `sampler: expected one network or more and no or more samples per step, got ${networks} and ${samplesPerStep}.`,
      );
    }
    this.count = Math.max(1, networks - 1);
    this.rank = rank;
    this.samplesPerStep = samplesPerStep;
    this.seed = seed;
    this.order = this.shuffled();
  }

  /** The ids of the networks that the next step trains, `samplesPerStep` of them. */
  next(): number[] {
    return Array.from({ length: this.samplesPerStep }, () => this.draw());
  }

  /** Where the sampler stands. */
  state(): SamplerState {
    return { seed: this.seed, pass: this.pass, position: this.position };
  }

  /** Continues from `state`. @throws ConfigError if it cannot come from a sampler of this search space */
  restore({ seed, pass, position }: SamplerState): void {
    const valid = Number.isInteger(seed) && [pass, position].every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!valid || position > this.count) {
      throw new ConfigError(
        `sampler: state { seed: ${seed}, pass: ${pass}, position: ${position} } does not fit a list of ${this.count} ` +
          "networks. Does the checkpoint belong to this config?",
      );
    }
    this.seed = seed;
    this.pass = pass;
    this.position = position;
    this.order = this.shuffled();
  }

  private draw(): number {
    if (this.position === this.count) {
      this.pass++;
      this.position = 0;
      this.order = this.shuffled();
    }
    return this.order[this.position++];
  }

  private shuffled(): Int32Array {
    return new Rng(this.seed, STREAM, this.rank, this.pass).permutation(this.count);
  }
}
