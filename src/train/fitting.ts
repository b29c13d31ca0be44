import { MemoryError } from "../errors.js";
import type { Config } from "../poa/config-keys.js";
import { type CountOptions, countMemory } from "./step-count.js";

/** Whether a run fits below the limit of linear memory. */
export function fitsBelow(config: Config, options: CountOptions): boolean {
  try {
    countMemory(config, options);
    return true;
  } catch (error) {
    if (error instanceof MemoryError) return false;
    throw error;
  }
}

/** What can be asked of a run so that it needs less memory. */
interface Savings {
  readonly moments: boolean;
  readonly recompute: boolean;
  /** The batch is cut into this many micro-batches more. */
  readonly parts: number;
}

/**
 * The first settings with which a run fits, in the order of their price: moments outside cost little time, recomputing costs
 * a forward pass, and smaller micro-batches change what Sinkhorn-Knopp and KoLeo see.
 *
 * @returns overrides; null if not even all together are enough
 */
export function firstFit(config: Config, options: CountOptions): readonly string[] | null {
  const fits = (savings: Savings) => fitsBelow(withSavings(config, savings), options);
  const most = (parts: number): Savings => ({ moments: true, recompute: true, parts });
  const parts = firstOf(possibleParts(config), (n) => fits(most(n)));
  if (parts === null) return null;
  const cheaper = [
    { moments: false, recompute: false, parts },
    { moments: true, recompute: false, parts },
    { moments: false, recompute: true, parts },
  ];
  return overridesOf(config, cheaper.find(fits) ?? most(parts));
}

/** The first of ascending numbers that satisfies what all behind it satisfy too; null if not even the last does. */
function firstOf(numbers: readonly number[], satisfies: (n: number) => boolean): number | null {
  if (!satisfies(numbers[numbers.length - 1])) return null;
  let [from, to] = [0, numbers.length - 1];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (satisfies(numbers[middle])) to = middle;
    else from = middle + 1;
  }
  return numbers[from];
}

/** Into how many parts of equal size a micro-batch can be cut, so that each still has a neighbour and a mask. */
function possibleParts({ train, ibot }: Config): number[] {
  const { batch_size_per_gpu: batch } = train;
  const share = ibot.loss_weight > 0 ? ibot.mask_sample_probability : 1;
  const enough = (size: number) => Number.isInteger(size) && size >= 2 && Math.floor(2 * size * share) >= 1;
  const divisors = Array.from({ length: batch }, (_, i) => i + 1).filter((n) => enough(batch / n));
  return divisors.length > 0 ? divisors : [1];
}

function withSavings({ train, optim, ...rest }: Config, { moments, recompute, parts }: Savings): Config {
  return {
    ...rest,
    optim: { ...optim, moments: moments ? "host" : optim.moments },
    train: {
      ...train,
      recompute: recompute || train.recompute,
      batch_size_per_gpu: train.batch_size_per_gpu / parts,
      accumulate: train.accumulate * parts,
    },
  } as Config;
}

function overridesOf({ train, optim }: Config, { moments, recompute, parts }: Savings): string[] {
  return [
    ...(moments && optim.moments !== "host" ? ["optim.moments=host"] : []),
    ...(recompute && !train.recompute ? ["train.recompute=true"] : []),
    ...(parts > 1
      ? [`train.batch_size_per_gpu=${train.batch_size_per_gpu / parts}`, `train.accumulate=${train.accumulate * parts}`]
      : []),
  ];
}
