import { classifier } from "../shapes.js";

/** The training step that all peers run: pre-norm ViT with class token, exact GELU, a linear classifier, AdamW. */
export const vit = {
  image: classifier.side,
  patch: classifier.patchSize,
  batch: classifier.batch,
  width: classifier.width,
  depth: classifier.depth,
  heads: classifier.width / classifier.headDim,
  classes: classifier.classes,
  lr: 1e-3,
  weightDecay: 0.05,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  normEps: 1e-6,
} as const;

/** How a parameter starts: base + scale · uniform(seed). */
export interface Start {
  readonly name: string;
  readonly shape: readonly number[];
  readonly base: number;
  readonly scale: number;
  readonly seed: number;
}

/** Every parameter under its name in timm, weights [out, in], in a fixed order. */
export function starts(): Start[] {
  const { width, depth, image, patch, classes } = vit;
  const tokens = 1 + (image / patch) ** 2;
  const inputs = 3 * patch * patch;
  const layer = (name: string, out: number, input: number) => [
    { name: `${name}.weight`, shape: [out, input], base: 0, scale: Math.sqrt(3 / input) },
    { name: `${name}.bias`, shape: [out], base: 0, scale: 0.02 },
  ];
  const norm = (name: string) => [
    { name: `${name}.weight`, shape: [width], base: 1, scale: 0.02 },
    { name: `${name}.bias`, shape: [width], base: 0, scale: 0.02 },
  ];
  const blocks = Array.from({ length: depth }, (_, i) => [
    ...norm(`blocks.${i}.norm1`),
    ...layer(`blocks.${i}.attn.qkv`, 3 * width, width),
    ...layer(`blocks.${i}.attn.proj`, width, width),
    ...norm(`blocks.${i}.norm2`),
    ...layer(`blocks.${i}.mlp.fc1`, 4 * width, width),
    ...layer(`blocks.${i}.mlp.fc2`, width, 4 * width),
  ]).flat();
  const all = [
    { name: "cls_token", shape: [1, 1, width], base: 0, scale: 0.5 },
    { name: "pos_embed", shape: [1, tokens, width], base: 0, scale: 0.5 },
    ...layer("patch_embed.proj", width, inputs),
    ...blocks,
    ...norm("norm"),
    ...layer("head", classes, width),
  ];
  return all.map((start, i) => ({ ...start, seed: 1000 + i }));
}

/** Class of each image. */
export const labels = (): Int32Array => Int32Array.from({ length: vit.batch }, (_, i) => (7 * i) % vit.classes);

/** The seed of the images [B, 3, S, S]. */
export const IMAGES_SEED = 7;

/** Losses that are compared, the first before any update. */
export const CHECKED_LOSSES = 2;
