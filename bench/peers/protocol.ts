/** What one call of an operation works on; the meaning of the keys is the operation's. */
export type Spec = Readonly<Record<string, unknown>>;

/** What the driver asks of a peer's process, one JSON object a line. */
export type Request =
  | { readonly ask: "prepare"; readonly id: number; readonly op: string; readonly spec: Spec }
  | { readonly ask: "check" | "release"; readonly id: number }
  | { readonly ask: "run"; readonly id: number; readonly ms: number; readonly clock: Clock };

/** Time of the wall, or only that in which the process ran: for one thread on a machine that others use too. */
export type Clock = "wall" | "processor";

/** Numbers taken from an output, and the largest magnitude in all of it. */
export interface Sample {
  readonly values: readonly number[];
  readonly largest: number;
  readonly length: number;
}

/** What it answers: one of these groups of fields, or `error`. */
export interface Reply {
  readonly versions?: Readonly<Record<string, string>>;
  readonly samples?: readonly Sample[];
  readonly calls?: number;
  readonly ms?: number;
  /** Figures beside the rate, for instance the highest resident memory so far. */
  readonly figures?: Readonly<Record<string, number>>;
  readonly error?: string;
}

const SAMPLES = 256;
const STRIDE = 104_729;

/** Places spread over an output of any length; torch_peer.py repeats this. */
export function sample(values: ArrayLike<number>): Sample {
  const { length } = values;
  let largest = 0;
  for (let i = 0; i < length; i++) {
    largest = Math.max(largest, Math.abs(values[i])); // NaN stays NaN
  }
  const count = Math.min(SAMPLES, length);
  return { values: Array.from({ length: count }, (_, i) => values[(i * STRIDE) % length]), largest, length };
}

/** What differs, in words; null if nothing does. */
export function difference(own: readonly Sample[], wanted: readonly Sample[], tolerance: number): string | null {
  for (const [i, { values, largest, length }] of wanted.entries()) {
    const other = own[i];
    if (other?.length !== length) return `${other?.length ?? "no"} numbers in place of ${length}`;
    const off = values.filter((value, j) => !(Math.abs(other.values[j] - value) <= tolerance * largest)).length;
    if (off > 0) return `${off} of ${values.length} sampled numbers differ`;
  }
  return null;
}
