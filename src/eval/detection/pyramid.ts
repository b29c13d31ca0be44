import type { Backbone } from "../../models/backbone.js";
import { type MapShape, mapShapes } from "../../models/feature-maps.js";
import { FeaturePyramid } from "../../nn/feature-pyramid.js";
import { Module } from "../../nn/module.js";
import { PatchPyramid } from "../../nn/patch-pyramid.js";
import type { Rng } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";

/** Maps of the backbone that are used; coarser ones are made from the last. */
const TAKEN = 3;
const MOST_LEVELS = 5;
/** Sides below this, in pixels, are small images: their pyramid starts one level finer. */
const SMALL_SIDE = 200;
/** Side in strides of the objects that a level is for. */
const OBJECT_STRIDES = 8;

/** Which maps of a backbone make the pyramid, and on which strides. */
export interface PyramidPlan {
  /** Channels of the maps that are taken, finest first. */
  readonly channels: readonly number[];
  /** Number among the backbone's four maps of the first one taken. */
  readonly first: number;
  /** Cells along a side per cell of the backbone's map, where its maps are of one size; else null. */
  readonly scales: readonly number[] | null;
  /** Strides of all levels in pixels, the further ones included. */
  readonly strides: readonly number[];
}

/**
 * The pyramid for images of a size: strides 8, 16, 32 as far as the backbone allows (4, 8, 16 for small images), then doubled
 * until the coarsest level is for objects as large as the image, five levels at most: P3 to P7 of RetinaNet for photos.
 *
 * @param shapes  of the backbone's maps, finest first
 * @param shortSide  of the images, in pixels
 */
export function pyramidPlan(shapes: readonly MapShape[], shortSide: number): PyramidPlan {
  const finest = shortSide < SMALL_SIDE ? 4 : 8;
  const single = shapes.every(({ stride }) => stride === shapes[0].stride);
  const from = shapes[0].stride;
  const doublings = doublingsTo(finest, from);
  const first = single ? shapes.length - TAKEN : Math.min(Math.max(doublings, 0), shapes.length - TAKEN);
  const taken = shapes.slice(first, first + TAKEN);
  const strides = single
    ? Array.from({ length: TAKEN }, (_, i) => from * 2 ** (doublings + i))
    : taken.map(({ stride }) => stride);
  while (strides.length < MOST_LEVELS && OBJECT_STRIDES * strides[strides.length - 1] < shortSide) {
    strides.push(2 * strides[strides.length - 1]);
  }
  return {
    channels: taken.map(({ channels }) => channels),
    first,
    scales: single ? taken.map((_, i) => from / strides[i]) : null,
    strides,
  };
}

/** The whole number n for which from · 2ⁿ is nearest to `to`, by the ratio. */
function doublingsTo(to: number, from: number): number {
  let n = 0;
  while (from * 2 ** n * Math.SQRT2 <= to) n++;
  while (from * 2 ** n > to * Math.SQRT2) n--;
  return n;
}

/** Groups of a group normalisation: 32, or what divides the channels. */
export function groupsFor(channels: number): number {
  let groups = 32;
  while (channels % groups !== 0) groups /= 2;
  return groups;
}

/** A feature pyramid over the maps of any backbone. */
export class DetectionPyramid extends Module {
  readonly grow: PatchPyramid | null;
  readonly pyramid: FeaturePyramid;
  readonly plan: PyramidPlan;

  /** @param options.channels  of every level */
  constructor(backbone: Backbone, options: { shortSide: number; channels: number; rng: Rng }) {
    super();
    const { shortSide, channels, rng } = options;
    this.plan = pyramidPlan(mapShapes(backbone), shortSide);
    const { channels: inChannels, scales, strides } = this.plan;
    const norm = { norm: "group", groups: groupsFor(inChannels[0]) } as const;
    this.grow = scales && new PatchPyramid(inChannels[0], { scales, norm, rng: rng.fork(1) });
    const extraLevels = strides.length - TAKEN;
    this.pyramid = new FeaturePyramid(inChannels, { channels, extraLevels, rng: rng.fork(2) });
  }

  /** What the sides of images must be multiples of, in pixels, so that the maps fit over one another. */
  get multiple(): number {
    return Math.max(...this.plan.strides.slice(0, TAKEN));
  }

  /**
   * @param maps  all maps of the backbone (models/feature-maps.ts)
   * @returns a map [B, h, w, channels] per level, finest first
   */
  forward(maps: readonly Tensor[]): Tensor[] {
    const taken = maps.slice(this.plan.first, this.plan.first + TAKEN);
    return this.pyramid.forward(this.grow ? this.grow.forward(taken) : taken);
  }
}
