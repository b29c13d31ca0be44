import type { Size, Window } from "../../data/augment-parameters.js";
import type { Box, DetectionObject } from "../../data/detection.js";
import { roundHalfEven } from "../../tensor/math.js";
import type { Rng } from "../../tensor/random.js";
import { clipped } from "./box.js";
import type { SceneObjects } from "./targets.js";

/** Most pixels of the long side per pixel of the short side: 1333 over 800. */
const LONG_SIDE = 1333 / 800;
/** Boxes that have less than this left along a side are gone, in pixels. */
const LEAST_SIDE = 1;
/** Least share of each side of the image that a random window has. */
const LEAST_WINDOW = 0.5;

/** How an image is seen: a window of it, brought to a size, mirrored or not. */
export interface View extends Size {
  readonly window: Window;
  /** Left and right are exchanged. */
  readonly flip: boolean;
}

/** What varies from view to view. */
export interface ViewPolicy {
  /** Least and greatest short side, in pixels. */
  readonly shortSides: readonly [number, number];
  /** Probability that a window is cut out. */
  readonly cropProbability: number;
  readonly flipProbability: number;
}

/** The short side for all images of a batch, a whole number of pixels within the policy's range. */
export function drawShortSide(rng: Rng, { shortSides: [low, high] }: ViewPolicy): number {
  return rng.integer(Math.ceil(low), Math.max(Math.ceil(low), Math.floor(high)));
}

/** The whole image with its short side at a length, or less where the long side would pass 5/3 of that. */
export function wholeView(image: Size, shortSide: number): View {
  return { window: { top: 0, left: 0, ...image }, flip: false, ...fitted(image, shortSide) };
}

/**
 * Draws how an image is seen. A window that holds the middle of no object is given up for the whole image, if that has one.
 *
 * @param rng  a stream of this view alone
 * @param shortSide  that the window is brought to, in pixels
 */
export function drawView(
  rng: Rng,
  { image, objects }: { image: Size; objects: readonly DetectionObject[] },
  { policy, shortSide }: { policy: ViewPolicy; shortSide: number },
): View {
  const flip = rng.chance(policy.flipProbability);
  if (!rng.chance(policy.cropProbability)) return { ...wholeView(image, shortSide), flip };
  const window = drawWindow(rng, image);
  const middleInside = ({ box: [left, top, right, bottom] }: DetectionObject) => {
    const [x, y] = [(left + right) / 2 - window.left, (top + bottom) / 2 - window.top];
    return x > 0 && x < window.width && y > 0 && y < window.height;
  };
  if (objects.length > 0 && !objects.some(middleInside)) return { ...wholeView(image, shortSide), flip };
  return { window, flip, ...fitted(window, shortSide) };
}

function drawWindow(rng: Rng, { height, width }: Size): Window {
  const side = (whole: number) => Math.max(1, roundHalfEven(whole * rng.uniform(LEAST_WINDOW, 1)));
  const [h, w] = [side(height), side(width)];
  return { top: rng.integer(0, height - h), left: rng.integer(0, width - w), height: h, width: w };
}

function fitted({ height, width }: Size, shortSide: number): Size {
  const [short, long] = [Math.min(height, width), Math.max(height, width)];
  const scale = Math.min(shortSide / short, (LONG_SIDE * shortSide) / long);
  return {
    height: Math.max(1, roundHalfEven(height * scale)),
    width: Math.max(1, roundHalfEven(width * scale)),
  };
}

/** A box of the image as it lies in the view, cut at its edges. */
export function boxInView([left, top, right, bottom]: Box, { window, flip, height, width }: View): Box {
  const [sx, sy] = [width / window.width, height / window.height];
  const x = [(left - window.left) * sx, (right - window.left) * sx];
  const [low, high] = flip ? [width - x[1], width - x[0]] : x;
  return clipped([low, (top - window.top) * sy, high, (bottom - window.top) * sy], width, height);
}

/** A box of a view without mirror as it lies in the image, cut at the window's edges. */
export function boxInImage(box: Box, { window, height, width }: View): Box {
  const [left, top, right, bottom] = clipped(box, width, height);
  const [sx, sy] = [window.width / width, window.height / height];
  return [window.left + left * sx, window.top + top * sy, window.left + right * sx, window.top + bottom * sy];
}

/** What a view shows of an image's objects. */
export function objectsInView(objects: readonly DetectionObject[], view: View): SceneObjects {
  const seen = objects
    .map(({ box, label, crowd, difficult }) => ({ box: boxInView(box, view), label, known: !crowd && !difficult }))
    .filter(({ box: [left, top, right, bottom] }) => right - left >= LEAST_SIDE && bottom - top >= LEAST_SIDE);
  const known = seen.filter((object) => object.known);
  return {
    boxes: known.map(({ box }) => box),
    labels: known.map(({ label }) => label),
    leftOut: seen.filter((object) => !object.known).map(({ box }) => box),
  };
}
