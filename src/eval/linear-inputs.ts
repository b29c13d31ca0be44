import type { Encoder } from "../models/encoder.js";
import type { Architecture } from "../models/encoder-spec.js";
import { linearFeatures } from "../models/linear-head.js";
import { roundHalfEven } from "../tensor/math.js";
import type { Tensor } from "../tensor/tensor.js";
import type { FeatureReader } from "./features.js";

/** The columns that one kind of linear classifier reads of a row of features. */
export interface LinearInput {
  /** Number of layers, counted from the last, whose class features are joined. */
  readonly layers: number;
  /** Whether the mean of the last layer's patch features stands behind them. */
  readonly pooled: boolean;
  readonly first: number;
  readonly length: number;
}

/**
 * The layers that a linear probe takes (spec §7.2): of a ViT of depth d the blocks d/4, d/2, 3d/4, rounded (halves to even),
 * and d − 1, counted from 0; of the other families the four stages. Blocks that coincide or lie past the last one, as in a
 * very shallow ViT, count once.
 */
export function probePositions(spec: Architecture): number[] {
  if (spec.family !== "vit") return [0, 1, 2, 3];
  const last = spec.depth - 1;
  const wanted = [1, 2, 3].map((quarter) => Math.min(last, roundHalfEven((quarter * spec.depth) / 4)));
  return [...new Set([...wanted, last])];
}

/** Length of the class feature after a taken layer. */
function widthAt(spec: Architecture, position: number): number {
  if (spec.family === "vit") return spec.width;
  return (spec.family === "swin" ? spec.width : spec.outChannels) * 2 ** position;
}

/**
 * What the linear classifiers of an encoder read. A row holds the class features of the taken layers, first layer first, then
 * the mean of the last layer's patch features; every kind of input is a range of its columns.
 */
export class LinearInputs implements FeatureReader {
  /** Of the taken layers. */
  readonly positions: readonly number[];
  /** Length of a row. */
  readonly dim: number;
  /** One layer and all of them, without and with the mean; one layer alone if there is no other. */
  readonly kinds: readonly LinearInput[];
  private readonly encoder: Encoder;

  constructor(encoder: Encoder) {
    this.encoder = encoder;
    this.positions = probePositions(encoder.spec);
    const widths = this.positions.map((position) => widthAt(encoder.spec, position));
    const last = widths[widths.length - 1];
    const joined = widths.reduce((sum, width) => sum + width, 0);
    this.dim = joined + last;
    this.kinds = [...new Set([1, widths.length])].flatMap((layers) =>
      [false, true].map((pooled): LinearInput => {
        const first = layers === 1 ? joined - last : 0;
        return { layers, pooled, first, length: joined - first + (pooled ? last : 0) };
      }),
    );
  }

  /**
   * @param images  normalised [B, C, S, S]
   * @returns rows [B, dim]
   */
  read(images: Tensor): Tensor {
    return linearFeatures(this.encoder.backbone, images, { positions: this.positions, pooled: true });
  }
}
