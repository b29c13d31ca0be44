import { ConfigError } from "../errors.js";
import { roundHalfEven } from "../tensor/math.js";
import { nearestName } from "./nearest-name.js";

/** Active blocks: of the network (ViT), of stage 3 (Swin), of each of the four stages (ResNet). */
export type Depth = number | readonly number[];

/** One network of a search space. `width` counts channels (ViT), those of stage 1 (Swin) or its middle ones (ResNet). */
export interface Network<D extends Depth = Depth> {
  readonly name: string;
  readonly width: number;
  readonly depth: D;
}

/** A network and how many entries of the sampler's list it has; the full network has one. */
export interface DistinctNetwork<D extends Depth = Depth> extends Network<D> {
  readonly draws: number;
}

/** What a search space is made of. */
interface SpaceParts<D extends Depth> {
  readonly backbone: "vit" | "swin" | "resnet";
  readonly widths: readonly number[];
  readonly depths: readonly D[];
  /** How often the official list has a network, by the numbers of its width and its depth. */
  readonly draws: (widthIndex: number, depthIndex: number) => number;
  /** The numbers in a network's name: width, then depths. */
  readonly coordinates: (width: number, depth: D) => readonly number[];
  /** What those numbers count, in the same order. */
  readonly axes: readonly string[];
  /** A further name of a network, as `small` is of the smallest. */
  readonly knownAs: (width: number, depth: D) => string | undefined;
}

/**
 * The networks that one run trains, with how often each is drawn (spec §2.1): the official list, entry for entry.
 * Its last entry is the full network.
 */
export class SearchSpace<D extends Depth = Depth> {
  readonly backbone: "vit" | "swin" | "resnet";
  private readonly networks: readonly DistinctNetwork<D>[];
  private readonly list: Int32Array;
  private readonly aliases: ReadonlyMap<string, DistinctNetwork<D>>;
  private readonly axes: readonly string[];

  constructor(parts: SpaceParts<D>) {
    const { widths, depths, draws, coordinates, knownAs } = parts;
    this.backbone = parts.backbone;
    this.axes = parts.axes;
    this.networks = widths.flatMap((width, i) =>
      depths.map((depth, j) => ({ name: coordinates(width, depth).join("x"), width, depth, draws: draws(i, j) })),
    );
    this.list = Int32Array.from(this.networks.flatMap(({ draws }, index) => new Array<number>(draws).fill(index)));
    const aliases = this.networks.map((network) => [knownAs(network.width, network.depth), network] as const);
    this.aliases = new Map([...aliases, ["full", this.full] as const].filter(hasName));
  }

  /** Entries of the sampler's list, multiplicities counted. */
  get length(): number {
    return this.list.length;
  }

  /** The intact network: entry `length − 1`. */
  get full(): DistinctNetwork<D> {
    return this.networks[this.networks.length - 1];
  }

  /** The network at entry `id` of the sampler's list. @throws ConfigError for an id outside the list */
  at(id: number): DistinctNetwork<D> {
    const network = this.networks[this.list[id]];
    if (!network)
      throw new ConfigError(
        `network id ${id} is outside the list of ${this.length} entries (0 to ${this.length - 1}).`,
      );
    return network;
  }

  /** Every network once, narrow to wide and, within a width, shallow to deep; the last is the full one. */
  distinct(): readonly DistinctNetwork<D>[] {
    return this.networks;
  }

  /** The well-known names that this space holds ("small", "R50"), and "full". */
  named(): ReadonlyMap<string, DistinctNetwork<D>> {
    return this.aliases;
  }

  /** The well-known names of one network; most have none. */
  namesOf(network: Network): string[] {
    return [...this.aliases].filter(([, { name }]) => name === network.name).map(([alias]) => alias);
  }

  /**
   * The network of a name: `96x4`, `64x4x6` (also with `_`, as the official tools write it), a well-known name, `full`.
   * @throws ConfigError that lists the nearest networks of the space
   */
  parse(name: string): DistinctNetwork<D> {
    const word = name.trim().toLowerCase();
    for (const [alias, network] of this.aliases) if (alias.toLowerCase() === word) return network;
    const numbers = /^\d+([x_]\d+)+$/.test(word) ? word.split(/[x_]/).map(Number) : [];
    if (numbers.length !== this.axes.length) throw this.unreadable(name);
    const canonical = numbers.join("x");
    const found = this.networks.find((network) => network.name === canonical);
    if (!found) throw this.missing(name, numbers);
    return found;
  }

  private unreadable(name: string): ConfigError {
    const nearest = nearestName(name.trim(), [...this.aliases.keys(), ...this.networks.map((network) => network.name)]);
    return new ConfigError(
      `network ${JSON.stringify(name)}: expected ${this.axes.join(" x ")}, as in ${this.full.name}, or one of ` +
        `${[...this.aliases.keys()].join(", ")}.${nearest ? ` Did you mean ${nearest}?` : ""} ${this.axisList()}.`,
    );
  }

  private missing(name: string, numbers: readonly number[]): ConfigError {
    const values = this.axisValues();
    const outside = numbers.flatMap((n, k) =>
      values[k].includes(n) ? [] : [`${this.axes[k]} ${n} is not in the search space`],
    );
    const spans = values.map((axis) => axis[axis.length - 1] - axis[0] || 1);
    const distance = (network: Network<D>) =>
      coordinatesOf(network).reduce((sum, n, k) => sum + Math.abs(n - numbers[k]) / spans[k], 0);
    const nearest = [...this.networks].sort((a, b) => distance(a) - distance(b)).slice(0, 3);
    return new ConfigError(
      `network ${name}: ${outside.join(", ")}. Nearest: ${nearest.map((network) => network.name).join(", ")}. ${this.axisList()}.`,
    );
  }

  /** Per number of a name, the values that occur, ascending. */
  private axisValues(): number[][] {
    const columns = this.networks.map(coordinatesOf);
    return this.axes.map((_, k) => [...new Set(columns.map((numbers) => numbers[k]))].sort((a, b) => a - b));
  }

  private axisList(): string {
    const text = (values: readonly number[]) =>
      values.length > 12 ? `${values[0]} to ${values[values.length - 1]}` : values.join(", ");
    const values = this.axisValues();
    return `This space holds ${this.axes.map((axis, k) => `${axis} ${text(values[k])}`).join("; ")}`;
  }
}

function coordinatesOf(network: Network): number[] {
  return network.name.split("x").map(Number);
}

function hasName<N>(entry: readonly [string | undefined, N]): entry is readonly [string, N] {
  return entry[0] !== undefined;
}

/**
 * `count` values from `first` to `last`: first + i · ((last − first) / (count − 1)), the last one exact.
 * The order of evaluation decides ties of the rounding that follows. A single value is `last`.
 */
function linspace(first: number, last: number, count: number): number[] {
  const step = (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? last : first + i * step));
}

/** first, first + step … last. @throws ConfigError if the steps do not end on `last`: the full network would be missing */
function steps(what: string, first: number, last: number, step: number): number[] {
  const fits =
    [first, last, step].every((n) => Number.isInteger(n) && n > 0) && first <= last && (last - first) % step === 0;
  if (!fits)
    throw new ConfigError(`search space: ${what} from ${first} to ${last} in steps of ${step} do not end on ${last}.`);
  return Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step);
}

/** round(S_width · S_depth), both falling from `scale` to 1 with size: narrow and shallow networks are drawn more often. */
function weightedByBoth(scale: number, widths: number, depths: number): (i: number, j: number) => number {
  const byWidth = linspace(scale, 1, widths);
  const byDepth = linspace(scale, 1, depths);
  return (i, j) => roundHalfEven(byWidth[i] * byDepth[j]);
}

export interface VitSpaceOptions {
  minWidth: number;
  maxWidth: number;
  /** Widths are multiples of headDim, headDim · widthInterval apart. */
  headDim: number;
  widthInterval?: number;
  minDepth: number;
  maxDepth: number;
  depthInterval?: number;
  /** How much more often the smallest width and depth are drawn, ≥ 1. */
  scale?: number;
}

/** Widths × depths of a ViT. @throws ConfigError if a range does not end on its maximum */
export function vitSpace(options: VitSpaceOptions): SearchSpace<number> {
  const { headDim, widthInterval = 1, depthInterval = 1, scale = 3 } = options;
  const widths = headMultiples(options.minWidth, options.maxWidth, { headDim, interval: widthInterval });
  const depths = steps("depths", options.minDepth, options.maxDepth, depthInterval);
  const wellKnown: Record<string, string> = { "384x12": "small", "768x12": "base", "1024x24": "large" };
  return new SearchSpace<number>({
    backbone: "vit",
    widths,
    depths,
    draws: weightedByBoth(scale, widths.length, depths.length),
    coordinates: (width, depth) => [width, depth],
    axes: ["width", "depth"],
    knownAs: (width, depth) => (headDim === 64 ? wellKnown[`${width}x${depth}`] : undefined),
  });
}

export interface SwinSpaceOptions {
  /** Channels of stage 1; stage s has 2^(s−1) times as many. */
  minWidth: number;
  maxWidth: number;
  headDim: number;
  /** Fewest blocks of stage 3; the other stages keep all of theirs. */
  minDepth: number;
  /** Blocks of the four stages of the full network. */
  maxDepths: readonly number[];
  scale?: number;
}

/** Stage-1 widths × stage-3 depths of a Swin transformer. @throws ConfigError if a range does not end on its maximum */
export function swinSpace(options: SwinSpaceOptions): SearchSpace<number> {
  const { headDim, maxDepths, scale = 2 } = options;
  const widths = headMultiples(options.minWidth, options.maxWidth, { headDim, interval: 1 });
  const depths = steps("stage-3 depths", options.minDepth, maxDepths[2], 1);
  const official = headDim === 16 && maxDepths.length === 4 && [0, 1, 3].every((stage) => maxDepths[stage] === 2);
  const wellKnown: Record<string, string> = { "96x6": "tiny", "96x18": "small", "128x18": "base" };
  return new SearchSpace<number>({
    backbone: "swin",
    widths,
    depths,
    draws: weightedByBoth(scale, widths.length, depths.length),
    coordinates: (width, depth) => [width, depth],
    axes: ["width", "stage-3 depth"],
    knownAs: (width, depth) => (official ? wellKnown[`${width}x${depth}`] : undefined),
  });
}

export interface ResnetSpaceOptions {
  /** Fewest middle channels of stage 1; widths go up to twice as many, a normalisation group at a time. */
  baseChannels: number;
  /** Groups of every group normalisation: middle widths are multiples of it. */
  groups: number;
  /** Blocks of the four stages; only stages 2 and 3 may vary. */
  minDepths: readonly number[];
  maxDepths: readonly number[];
  scale?: number;
}

/**
 * Middle widths × (stage-2, stage-3) depths of a ResNet. Only the depth, ordered by its sum, decides how often a
 * network is drawn. @throws ConfigError if the widths do not end on twice the base or stages 1 or 4 vary
 */
export function resnetSpace(options: ResnetSpaceOptions): SearchSpace<readonly number[]> {
  const { baseChannels, groups, minDepths: low, maxDepths: high, scale = 2 } = options;
  if (low.length !== 4 || high.length !== 4 || low[0] !== high[0] || low[3] !== high[3]) {
    throw new ConfigError(
      `search space: depths [${low}] to [${high}]: expected four stages, of which only 2 and 3 vary.`,
    );
  }
  const widths = headMultiples(baseChannels, 2 * baseChannels, { headDim: groups, interval: 1 });
  const blocks = (depth: readonly number[]) => depth[1] + depth[2]; // the constant stages do not change the order
  const thirds = steps("stage-3 depths", low[2], high[2], 1);
  const depths = steps("stage-2 depths", low[1], high[1], 1)
    .flatMap((second) => thirds.map((third): readonly number[] => [low[0], second, third, low[3]]))
    .sort((a, b) => blocks(a) - blocks(b)); // stable: equal sums stay in lexicographic order
  const byDepth = linspace(scale, 1, depths.length).map(roundHalfEven);
  const wellKnown: Record<string, string> = { "64,3,4,6,3": "R50", "64,3,4,23,3": "R101", "64,3,8,36,3": "R152" };
  return new SearchSpace<readonly number[]>({
    backbone: "resnet",
    widths,
    depths,
    draws: (_, j) => byDepth[j],
    coordinates: (width, depth) => [width, depth[1], depth[2]],
    axes: ["width", "stage-2 blocks", "stage-3 blocks"],
    knownAs: (width, depth) => wellKnown[`${width},${depth.join()}`],
  });
}

function headMultiples(
  first: number,
  last: number,
  { headDim, interval }: { headDim: number; interval: number },
): number[] {
  if (first % headDim !== 0) throw new ConfigError(`search space: width ${first} is not a multiple of ${headDim}.`);
  return steps("widths", first, last, headDim * interval);
}
