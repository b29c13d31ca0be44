import { ConfigError } from "../errors.js";
import type { Rng } from "../tensor/random.js";
import type { ColorStep } from "./augment-parameters.js";

/** What RandAugment does to images (Cubuk et al., 2020), with timm's set of operations and its ranges. */
export interface RandAugmentPolicy {
  /** Strength, 0 … 10. */
  readonly magnitude: number;
  /** Deviation of the strength, which is drawn anew for each operation; Infinity draws it from 0 … magnitude. */
  readonly magnitudeStd: number;
  /** Whether every operation does more the greater the magnitude; else some go from much through nothing to much. */
  readonly increasing: boolean;
  /** Operations that are drawn for each image, with replacement. */
  readonly operations: number;
  /** With which each of them is applied. */
  readonly probability: number;
}

/** An operation with what has been drawn for it. */
export type ImageOperation =
  | { readonly op: "autoContrast" | "equalize" | "invert" }
  /** Bits that stay. */
  | { readonly op: "posterize"; readonly amount: number }
  /** Level from which on levels are inverted. */
  | { readonly op: "solarize"; readonly amount: number }
  /** Levels added to those below 128. */
  | { readonly op: "solarizeAdd"; readonly amount: number }
  /** Factor, 1 changes nothing. */
  | { readonly op: "sharpness"; readonly amount: number }
  | ColorStep
  /** Degrees, counter-clockwise. */
  | { readonly op: "rotate"; readonly amount: number }
  /** Pixels per pixel of the other axis. */
  | { readonly op: "shearX" | "shearY"; readonly amount: number }
  /** Share of the image's width or height. */
  | { readonly op: "translateX" | "translateY"; readonly amount: number };

const MAX_MAGNITUDE = 10;
/** Above this deviation timm draws uniformly. */
const UNIFORM_FROM = 100;

/**
 * A policy in timm's notation: `m9-mstd0.5-inc1`, with or without `rand-` before it. m magnitude, n operations, p probability of
 * each, mstd deviation of the magnitude (more than 100: uniform), inc 1 for the increasing ranges. What is left out is m10, n2,
 * p0.5, mstd0, inc0.
 *
 * @throws ConfigError for anything else
 */
export function parseRandAugment(text: string): RandAugmentPolicy {
  const policy = { magnitude: 10, magnitudeStd: 0, increasing: 0, operations: 2, probability: 0.5 };
  const keys = { m: "magnitude", mstd: "magnitudeStd", inc: "increasing", n: "operations", p: "probability" } as const;
  for (const part of text.replace(/^rand-/, "").split("-")) {
    const [, key, digits] = /^(mstd|inc|m|n|p)(\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (key === undefined) {
      throw new ConfigError(
        `RandAugment: ${JSON.stringify(text)} has ${JSON.stringify(part)}, expected parts such as m9, n2, p0.5, mstd0.5, inc1.`,
      );
    }
    policy[keys[key as keyof typeof keys]] = Number(digits);
  }
  const { magnitude, magnitudeStd, increasing, operations, probability } = policy;
  if (magnitude > MAX_MAGNITUDE || !Number.isInteger(operations) || probability > 1 || ![0, 1].includes(increasing)) {
    throw new ConfigError(
      `RandAugment: ${JSON.stringify(text)} is out of range; m is at most 10, n whole, p at most 1, inc 0 or 1.`,
    );
  }
  return {
    ...policy,
    magnitudeStd: magnitudeStd > UNIFORM_FROM ? Number.POSITIVE_INFINITY : magnitudeStd,
    increasing: increasing === 1,
  };
}

/** Draws the operations of one image, in the order in which they are applied. */
export function drawRandAugment(rng: Rng, policy: RandAugmentPolicy): ImageOperation[] {
  const drawn: ImageOperation[] = [];
  for (let i = 0; i < policy.operations; i++) {
    const kind = KINDS[rng.integer(0, KINDS.length - 1)];
    if (!rng.chance(policy.probability)) continue;
    const strength = drawMagnitude(rng, policy) / MAX_MAGNITUDE;
    drawn.push(operation(kind, strength, rng.chance(0.5) ? -1 : 1, policy.increasing));
  }
  return drawn;
}

function drawMagnitude(rng: Rng, { magnitude, magnitudeStd }: RandAugmentPolicy): number {
  if (magnitudeStd === 0) return magnitude;
  if (magnitudeStd === Number.POSITIVE_INFINITY) return rng.uniform(0, magnitude);
  return Math.max(0, Math.min(MAX_MAGNITUDE, rng.normal(magnitude, magnitudeStd)));
}

type Kind = ImageOperation["op"];

const KINDS = [
  ...(["autoContrast", "equalize", "invert", "rotate", "posterize", "solarize", "solarizeAdd"] as const),
  ...(["saturation", "contrast", "brightness", "sharpness", "shearX", "shearY", "translateX", "translateY"] as const),
] satisfies Kind[];

/**
 * An operation of a strength, by timm's ranges.
 *
 * @param strength  0 … 1
 * @param sign  which way operations go that have two
 */
export function operation(
  kind: (typeof KINDS)[number],
  strength: number,
  sign: 1 | -1,
  increasing: boolean,
): ImageOperation {
  switch (kind) {
    case "autoContrast":
    case "equalize":
    case "invert":
      return { op: kind };
    case "posterize": {
      const bits = Math.trunc(strength * 4);
      return { op: kind, amount: increasing ? 4 - bits : bits };
    }
    case "solarize": {
      const level = Math.min(256, Math.trunc(strength * 256));
      return { op: kind, amount: increasing ? 256 - level : level };
    }
    case "solarizeAdd":
      return { op: kind, amount: Math.min(128, Math.trunc(strength * 110)) };
    case "saturation":
    case "contrast":
    case "brightness":
    case "sharpness":
      return { op: kind, amount: increasing ? Math.max(0.1, 1 + sign * strength * 0.9) : strength * 1.8 + 0.1 };
    case "rotate":
      return { op: kind, amount: sign * strength * 30 };
    case "shearX":
    case "shearY":
      return { op: kind, amount: sign * strength * 0.3 };
    case "translateX":
    case "translateY":
      return { op: kind, amount: sign * strength * 0.45 };
  }
}
