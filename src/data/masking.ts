import { ConfigError } from "../errors.js";
import { exp, log, roundHalfEven } from "../tensor/math.js";

/** Where random decisions come from; an `Rng` is one. */
export interface MaskDraws {
  /** Uniform between low and high. */
  uniform(low: number, high: number): number;
  /** A uniform integer from low to high, both included. */
  integer(low: number, high: number): number;
  /** Puts the entries in random order, in place. */
  shuffle(order: Int32Array): Int32Array;
}

/** How the patches of one image are masked: in rectangles on a square grid. */
export interface BlockMaskOptions {
  /** Patches per side; N = grid². */
  readonly grid: number;
  /** Least area that a rectangle aims at, in patches. Default 4. */
  readonly minPatches?: number;
  /** Largest area of a rectangle, in patches. Default N / 2. */
  readonly maxPatches?: number;
  /** Least ratio of a rectangle's sides; the largest is its inverse. Default 0.3. */
  readonly minAspect?: number;
}

/** How a batch of images is masked. */
export interface MaskOptions extends BlockMaskOptions {
  /** Share of the images that get a mask; the product with their number is rounded down. */
  readonly probability: number;
  /** Least and greatest share of masked patches. The masked images spread evenly over this range. */
  readonly ratio: readonly [number, number];
}

/** Masks of a batch, and the masked patches as a list. */
export interface MaskBatch {
  /** [images, N], 1 = masked. */
  readonly masks: Uint8Array;
  /** Flat indices of the masked patches into [images, N], ascending. */
  readonly maskIndices: Int32Array;
  /** For each of them 1 / (masked patches of its image), so that every image weighs the same. */
  readonly masksWeight: Float32Array;
  /** No fewer than the number of masked patches, and the same for every batch of this size. */
  readonly upperbound: number;
}

const ATTEMPTS = 10;

/**
 * Masks rectangles until `target` patches are masked or no rectangle fits within ten attempts; never more than `target`
 * (BEiT's block-wise masking, as iBOT uses it).
 *
 * @param draws  random source
 * @param target  patches to mask
 * @returns [grid, grid], 1 = masked
 */
export function blockMask(draws: MaskDraws, target: number, options: BlockMaskOptions): Uint8Array {
  const { grid, maxPatches = 0.5 * grid * grid } = options;
  const mask = new Uint8Array(grid * grid);
  let masked = 0;
  while (masked < target) {
    const added = maskRectangle(draws, mask, Math.min(target - masked, maxPatches), options);
    if (added === 0) break;
    masked += added;
  }
  return mask;
}

/** Masks one rectangle with at most `budget` new patches. Returns how many were new, 0 if ten attempts failed. */
function maskRectangle(draws: MaskDraws, mask: Uint8Array, budget: number, options: BlockMaskOptions): number {
  const { grid, minPatches = 4, minAspect = 0.3 } = options;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = draws.uniform(minPatches, budget);
    const aspect = exp(draws.uniform(log(minAspect), log(1 / minAspect)));
    const height = roundHalfEven(Math.sqrt(area * aspect));
    const width = roundHalfEven(Math.sqrt(area / aspect));
    if (!(width < grid && height < grid)) continue;
    const top = draws.integer(0, grid - height);
    const left = draws.integer(0, grid - width);
    const rectangle = { top, left, height, width };
    const added = height * width - countMasked(mask, grid, rectangle);
    if (added > 0 && added <= budget) {
      for (let y = top; y < top + height; y++) mask.fill(1, y * grid + left, y * grid + left + width);
      return added;
    }
  }
  return 0;
}

interface Rectangle {
  top: number;
  left: number;
  height: number;
  width: number;
}

function countMasked(mask: Uint8Array, grid: number, { top, left, height, width }: Rectangle): number {
  let count = 0;
  for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) count += mask[y * grid + x];
  return count;
}

/**
 * Masks a batch: ⌊images · probability⌋ images get masks whose targets spread over the ratio range, one per equal part
 * of it; then the masks are dealt to the images at random.
 *
 * @param draws  random source
 * @param images  global crops of the batch, 2B
 * @throws ConfigError for a grid, probability or ratio out of range
 */
export function maskBatch(draws: MaskDraws, images: number, options: MaskOptions): MaskBatch {
  checkOptions(options);
  const n = options.grid * options.grid;
  const maskedImages = Math.floor(images * options.probability);
  const edges = linspace(options.ratio[0], options.ratio[1], maskedImages + 1);
  const drawn: Uint8Array[] = [];
  let upperbound = 0;
  for (let i = 0; i < maskedImages; i++) {
    // The official collation computes ratio and target on float32 tensors, so each step rounds to single precision.
    const share = Math.fround(Math.fround(edges[i + 1] - edges[i]) * Math.fround(draws.uniform(0, 1)));
    const ratio = Math.fround(edges[i] + share);
    drawn.push(blockMask(draws, Math.floor(Math.fround(n * ratio)), options));
    upperbound += Math.floor(Math.fround(n * edges[i + 1]));
  }
  const order = draws.shuffle(Int32Array.from({ length: images }, (_, i) => i));
  const masks = new Uint8Array(images * n);
  order.forEach((which, image) => {
    if (which < maskedImages) masks.set(drawn[which], image * n);
  });
  return { masks, ...listMasked(masks, n), upperbound };
}

/**
 * As many masked patches as no batch exceeds, in as many images as `maskBatch` masks: what a step needs at most.
 *
 * @param images  global crops of the batch, 2B
 */
export function fullestMasks(images: number, options: MaskOptions): MaskBatch {
  checkOptions(options);
  const n = options.grid * options.grid;
  const maskedImages = Math.floor(images * options.probability);
  const edges = linspace(options.ratio[0], options.ratio[1], maskedImages + 1);
  const masks = new Uint8Array(images * n);
  for (let i = 0; i < maskedImages; i++) masks.fill(1, i * n, i * n + Math.floor(Math.fround(n * edges[i + 1])));
  const listed = listMasked(masks, n);
  return { masks, ...listed, upperbound: listed.maskIndices.length };
}

/** `count` numbers from a to b in single precision, counted from the nearer end as torch.linspace does. */
function linspace(a: number, b: number, count: number): Float32Array {
  const [start, end] = [Math.fround(a), Math.fround(b)];
  const step = Math.fround(Math.fround(end - start) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) ? start + Math.fround(step * i) : end - Math.fround(step * (count - 1 - i)),
  );
}

function listMasked(masks: Uint8Array, n: number): { maskIndices: Int32Array; masksWeight: Float32Array } {
  const total = masks.reduce((sum, bit) => sum + bit, 0);
  const maskIndices = new Int32Array(total);
  const masksWeight = new Float32Array(total);
  let at = 0;
  for (let image = 0; image < masks.length; image += n) {
    const first = at;
    for (let i = image; i < image + n; i++) if (masks[i]) maskIndices[at++] = i;
    masksWeight.fill(1 / (at - first), first, at);
  }
  return { maskIndices, masksWeight };
}

function checkOptions({ grid, probability, ratio: [low, high], minAspect = 0.3 }: MaskOptions): void {
  if (!(Number.isInteger(grid) && grid > 0))
    throw new ConfigError(`masking: the grid must be a positive whole number, got ${grid}.`);
  if (!(probability >= 0 && probability <= 1)) {
    throw new ConfigError(`masking: ibot.mask_sample_probability must lie in 0…1, got ${probability}.`);
  }
  if (!(low >= 0 && low <= high && high <= 1)) {
    throw new ConfigError(`masking: ibot.mask_ratio_min_max must ascend within 0…1, got [${low}, ${high}].`);
  }
  if (!(minAspect > 0 && minAspect <= 1))
    throw new ConfigError(`masking: the least aspect must lie in 0…1, got ${minAspect}.`);
}
