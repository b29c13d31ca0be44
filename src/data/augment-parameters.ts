import { exp, log, roundHalfEven } from "../tensor/math.js";
import type { Rng } from "../tensor/random.js";

/** How crops of one kind are augmented. Probabilities lie in 0…1. */
export interface AugmentPolicy {
  /** Side of the crop in pixels. */
  readonly size: number;
  /** Least and greatest area of the crop as a share of the image. */
  readonly scale: readonly [number, number];
  readonly flipProbability: number;
  /** Strength of brightness, contrast, saturation (factors 1 ± strength) and hue (± strength of a turn). */
  readonly jitter: readonly [number, number, number, number];
  readonly jitterProbability: number;
  readonly grayscaleProbability: number;
  readonly blurProbability: number;
  /** Taps of the Gaussian, odd. */
  readonly blurKernel: number;
  /** Range of the Gaussian's deviation, in pixels. */
  readonly blurSigma: readonly [number, number];
  readonly solarizeProbability: number;
  /** The image is turned by up to this many degrees either way before it is cropped. */
  readonly rotationDegrees: number;
}

/** Sides in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** A rectangle of pixels. */
export interface Window extends Size {
  readonly top: number;
  readonly left: number;
}

/** One colour operation: a factor, for hue a share of a turn. */
export interface ColorStep {
  readonly op: "brightness" | "contrast" | "saturation" | "hue";
  readonly amount: number;
}

/** Everything that was drawn for one crop, in the order in which it is applied. */
export interface AugmentParameters {
  /** Counter-clockwise turn of the image in degrees; 0 leaves it as it is. */
  readonly rotation: number;
  /** The part of the (turned) image that is resized to the crop. */
  readonly window: Window;
  /** Mirrors left and right. */
  readonly flip: boolean;
  readonly jitter: readonly ColorStep[];
  readonly grayscale: boolean;
  readonly blur: { readonly kernel: number; readonly sigma: number } | null;
  /** Inverts the values from 128 on. */
  readonly solarize: boolean;
}

const ASPECTS = [3 / 4, 4 / 3] as const;
const CROP_ATTEMPTS = 10;
const COLOR_OPS = ["brightness", "contrast", "saturation", "hue"] as const;

/**
 * Draws the augmentation of one crop.
 *
 * @param rng  a stream of this crop alone, for instance `new Rng(seed, epoch, sample, crop)`
 * @param image  size of the image that will be cropped
 * @param policy  ranges and probabilities
 */
export function drawAugmentation(rng: Rng, image: Size, policy: AugmentPolicy): AugmentParameters {
  const { rotationDegrees, blurSigma } = policy;
  return {
    rotation: rotationDegrees > 0 ? rng.uniform(-rotationDegrees, rotationDegrees) : 0,
    window: drawWindow(rng, image, policy.scale),
    flip: rng.chance(policy.flipProbability),
    jitter: rng.chance(policy.jitterProbability) ? drawJitter(rng, policy.jitter) : [],
    grayscale: rng.chance(policy.grayscaleProbability),
    blur: rng.chance(policy.blurProbability)
      ? { kernel: policy.blurKernel, sigma: rng.uniform(blurSigma[0], blurSigma[1]) }
      : null,
    solarize: rng.chance(policy.solarizeProbability),
  };
}

/**
 * A random window by torchvision's rule for RandomResizedCrop: area uniform, aspect log-uniform in [3/4, 4/3]; after
 * ten windows that do not fit, the largest centred one with an admissible aspect.
 *
 * @param scale  range of the area as a share of the image's
 */
export function drawWindow(rng: Rng, { height, width }: Size, scale: readonly [number, number]): Window {
  const [lowest, highest] = ASPECTS;
  for (let attempt = 0; attempt < CROP_ATTEMPTS; attempt++) {
    const area = height * width * rng.uniform(scale[0], scale[1]);
    const aspect = exp(rng.uniform(log(lowest), log(highest)));
    const w = roundHalfEven(Math.sqrt(area * aspect));
    const h = roundHalfEven(Math.sqrt(area / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      return { top: rng.integer(0, height - h), left: rng.integer(0, width - w), height: h, width: w };
    }
  }
  const h = width < lowest * height ? Math.min(height, roundHalfEven(width / lowest)) : height;
  const w = width > highest * height ? Math.min(width, roundHalfEven(height * highest)) : width;
  return { top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2), height: h, width: w };
}

/** The colour operations of positive strength in random order. */
export function drawJitter(rng: Rng, strengths: AugmentPolicy["jitter"]): ColorStep[] {
  const order = rng.permutation(COLOR_OPS.length);
  const amounts = strengths.map((strength, i) => {
    if (strength <= 0) return 0;
    const neutral = COLOR_OPS[i] === "hue" ? 0 : 1;
    return rng.uniform(COLOR_OPS[i] === "hue" ? -strength : Math.max(0, neutral - strength), neutral + strength);
  });
  return Array.from(order)
    .filter((i) => strengths[i] > 0)
    .map((i) => ({ op: COLOR_OPS[i], amount: amounts[i] }));
}
