import { ConfigError } from "../errors.js";
import { cos, powInt } from "../tensor/math.js";

/** A value for every iteration, counted from 0. */
export type Schedule = (iteration: number) => number;

/** Start, end, length and warm-up of a cosine. */
export interface CosineOptions {
  /** Value at the end of the warm-up. */
  base: number;
  /** Value that the cosine runs to, and the value from iteration `total` on. */
  final: number;
  /** Iterations of the run. */
  total: number;
  /** Iterations of the warm-up; default 0. */
  warmup?: number;
  /** First value of the warm-up; default 0. */
  start?: number;
  /** Share of the cosine that is run through, 0.7 … 1; below 1 it is cut before it reaches `final`. Default 1. */
  scale?: number;
}

/**
 * A cosine after a linear warm-up. The warm-up has `warmup` values from `start` to `base`, both included; then, with
 * n = ⌊total/scale⌋ − warmup, value i is final + ½ (base − final)(1 + cos(π i/n)) for i = 0 … total − warmup − 1; after that
 * `final`.
 *
 * @throws ConfigError unless 0 ≤ warmup ≤ total and 0.7 ≤ scale ≤ 1
 */
export function cosineSchedule({ base, final, total, warmup = 0, start = 0, scale = 1 }: CosineOptions): Schedule {
  if (!(warmup >= 0 && warmup <= total)) {
    throw new ConfigError(`schedule: a warm-up of ${warmup} iterations does not fit in a run of ${total}.`);
  }
  if (!(scale >= 0.7 && scale <= 1)) throw new ConfigError(`schedule: scale is ${scale}, expected 0.7 to 1.`);
  const rise = linear(start, base, warmup);
  const period = Math.floor(total / scale) - warmup;
  return (iteration) => {
    if (iteration < warmup) return rise(iteration);
    if (iteration >= total) return final;
    return final + 0.5 * (base - final) * (1 + cos((Math.PI * (iteration - warmup)) / period));
  };
}

/**
 * A straight line of `total` values from `start` to `final`, both included; after that `final`.
 *
 * @throws ConfigError if total is negative
 */
export function linearSchedule({ start, final, total }: { start: number; final: number; total: number }): Schedule {
  if (!(total >= 0)) throw new ConfigError(`schedule: total is ${total}, expected 0 or more.`);
  const line = linear(start, final, total);
  return (iteration) => (iteration < total ? line(iteration) : final);
}

/** Start, end, length, power and warm-up. */
export interface PolyOptions {
  /** Value at the end of the warm-up. */
  base: number;
  /** Value that the run ends with; default 0. */
  final?: number;
  /** Iterations of the run. */
  total: number;
  /** Iterations of the warm-up; default 0. */
  warmup?: number;
  /** Whole number; default 1, a straight line. */
  power?: number;
}

/**
 * A power of what is left of the run, final + (base − final)(1 − i/total)^power, times (i + 1)/warmup during the warm-up: the usual
 * schedule of dense tasks.
 *
 * @throws ConfigError unless 0 ≤ warmup ≤ total and power is a whole number from 1 on
 */
export function polySchedule({ base, final = 0, total, warmup = 0, power = 1 }: PolyOptions): Schedule {
  if (!(warmup >= 0 && warmup <= total)) {
    throw new ConfigError(`schedule: a warm-up of ${warmup} iterations does not fit in a run of ${total}.`);
  }
  if (!(Number.isInteger(power) && power >= 1))
    throw new ConfigError(`schedule: power is ${power}, expected a whole number from 1 on.`);
  return (iteration) => {
    if (iteration >= total) return final;
    const value = final + (base - final) * powInt(1 - iteration / total, power);
    return iteration < warmup ? (value * (iteration + 1)) / warmup : value;
  };
}

/** Zero for the first iterations, then another schedule: how the last layer is frozen. */
export function frozenSchedule(schedule: Schedule, iterations: number): Schedule {
  return (iteration) => (iteration < iterations ? 0 : schedule(iteration));
}

/** Start, factor, the iterations at which it is applied, and warm-up. */
export interface StepOptions {
  /** Value between warm-up and first milestone. */
  base: number;
  /** Iterations from which on the value is `factor` times what it was, in rising order. */
  milestones: readonly number[];
  /** Default 0.1. */
  factor?: number;
  /** Iterations of the warm-up; default 0. */
  warmup?: number;
  /** First value of the warm-up; default 0. */
  start?: number;
}

/**
 * Steps down after a linear warm-up: value i is base · factor^(number of milestones ≤ i), and during the first `warmup`
 * iterations start + (base − start)·i/warmup takes the place of base.
 *
 * @throws ConfigError if a milestone or the warm-up is negative
 */
export function stepSchedule({ base, milestones, factor = 0.1, warmup = 0, start = 0 }: StepOptions): Schedule {
  if (!(warmup >= 0 && milestones.every((milestone) => milestone >= 0))) {
    throw new ConfigError(`schedule: warm-up ${warmup} and milestones [${milestones}], expected 0 or more.`);
  }
  return (iteration) => {
    const steps = milestones.filter((milestone) => milestone <= iteration).length;
    const value = iteration < warmup ? start + ((base - start) * iteration) / warmup : base;
    return value * powInt(factor, steps);
  };
}

/** Value i of n values from first to last; a single value is the first. */
function linear(first: number, last: number, n: number): Schedule {
  const step = (last - first) / (n - 1);
  return (i) => (i === 0 ? first : i === n - 1 ? last : first + i * step);
}
