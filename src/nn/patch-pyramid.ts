import { ConfigError, ShapeError } from "../errors.js";
import { gelu } from "../ops/activation.js";
import { resizeBilinear } from "../ops/bilinear.js";
import { maxPool2d } from "../ops/pool.js";
import type { Rng } from "../tensor/random.js";
import type { Tensor } from "../tensor/tensor.js";
import { Deconv2x2 } from "./deconv.js";
import { Module } from "./module.js";
import { type MapNorm, mapNorm, type NormChoice } from "./residual-block.js";

/** Which scales maps are brought to, and how. */
export interface PatchPyramidOptions {
  /** Cells of each map per cell of the input along a side, powers of two. Default 4, 2, 1, ½. */
  scales?: readonly number[];
  /** How maps grow: by trained deconvolutions, or by a bilinear resize without weights. Default "deconv". */
  growth?: "deconv" | "bilinear";
  /** What stands with a GELU between two deconvolutions; null for the GELU alone. */
  norm: NormChoice | null;
  rng: Rng;
}

/** Deconvolutions one after the other, each doubling the sides. */
class Growth extends Module {
  readonly deconvs: readonly Deconv2x2[];
  readonly norms: readonly MapNorm[];

  constructor(channels: number, doublings: number, { norm, rng }: { norm: NormChoice | null; rng: Rng }) {
    super();
    this.deconvs = Array.from({ length: doublings }, (_, i) => new Deconv2x2(channels, channels, rng.fork(i)));
    this.norms = norm ? this.deconvs.slice(1).map(() => mapNorm(norm, channels)) : [];
  }

  /** A map at another scale. */
  forward(x: Tensor): Tensor {
    return this.deconvs.reduce((y, deconv, i) => {
      if (i === 0) return deconv.forward(y);
      return deconv.forward(gelu(this.norms[i - 1]?.forward(y) ?? y));
    }, x);
  }
}

/**
 * Makes a pyramid of the maps of a ViT, which are of one size: the first ones grow, the last one shrinks by the largest of
 * each window (as in BEiT, Bao et al. 2022, and its followers).
 */
export class PatchPyramid extends Module {
  readonly levels: readonly Growth[];
  readonly scales: readonly number[];

  /** @param channels  of every map, before and after. @throws ConfigError for a scale that is no power of two */
  constructor(channels: number, options: PatchPyramidOptions) {
    super();
    const { scales = [4, 2, 1, 0.5], growth = "deconv", rng } = options;
    const wrong = scales.find((scale) => !Number.isInteger(Math.log2(scale)));
    if (wrong !== undefined) throw new ConfigError(`patch pyramid: a scale is ${wrong}, expected powers of two.`);
    const doublings = (scale: number) => (growth === "deconv" ? Math.max(Math.log2(scale), 0) : 0);
    this.levels = scales.map((scale, i) => new Growth(channels, doublings(scale), { ...options, rng: rng.fork(i) }));
    this.scales = scales;
  }

  /**
   * @param maps  [B, h, w, C], one for each scale, of one size
   * @returns [B, h·scale, w·scale, C], of at least one cell along each side
   * @throws ShapeError for another number of maps
   */
  forward(maps: readonly Tensor[]): Tensor[] {
    if (maps.length !== this.scales.length)
      throw new ShapeError(`patch pyramid: ${maps.length} maps for ${this.scales.length} scales.`);
    return maps.map((map, i) => {
      const [, height, width] = map.shape;
      const scale = this.scales[i];
      if (scale < 1) return maxPool2d(map, [Math.min(1 / scale, height), Math.min(1 / scale, width)]);
      const grown = this.levels[i].forward(map);
      return resizeBilinear(grown, height * scale, width * scale);
    });
  }
}
