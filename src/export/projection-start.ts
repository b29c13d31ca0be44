import type { SavedTensor } from "../optim/optimizer-state.js";

/** Weight [hidden, F] and bias [hidden] of a layer that a classifier may begin with. */
export interface HiddenLayer {
  readonly weight: SavedTensor;
  readonly bias: SavedTensor;
}

/** Of a branch's first projection head. */
const FIRST_LAYER = "dino_head.mlp0.0";

/**
 * The first layer of a pre-trained projection head as the hidden layer of a classifier: its first columns, times full over
 * active features, as the head itself is cut for a narrower network.
 *
 * @param weights  of a branch, by name
 * @param features  F, length of the feature that the classifier reads
 * @returns null if there is no head for a feature of that length
 */
export function projectionStart(weights: ReadonlyMap<string, SavedTensor>, features: number): HiddenLayer | null {
  const weight = weights.get(`${FIRST_LAYER}.weight`);
  const bias = weights.get(`${FIRST_LAYER}.bias`);
  if (!weight || !bias || weight.shape[1] < features) return null;
  const [hidden, all] = weight.shape;
  const cut = new Float32Array(hidden * features);
  for (let row = 0; row < hidden; row++) {
    for (let i = 0; i < features; i++) cut[row * features + i] = (weight.data[row * all + i] * all) / features;
  }
  return { weight: { shape: [hidden, features], data: cut }, bias };
}
