/** A matrix product of a model: C [m, n] = A [m, k] · B [k, n]. */
export interface ProductShape {
  /** Where it occurs. */
  readonly at: string;
  /** Which operands are read transposed: NN input gradients, NT forward of a linear layer, TN weight gradients. */
  readonly kind: "NN" | "NT" | "TN";
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** Sizes that say what a kernel can do, whatever the model. */
const squares: readonly ProductShape[] = [64, 128, 512, 1024].map((size) => ({
  at: "square",
  kind: "NN",
  m: size,
  k: size,
  n: size,
}));

/** ViT-S/16 at 224 pixels, batch 8: 8 · 197 tokens of 384. */
const vitSmall: readonly ProductShape[] = [
  { at: "ViT-S qkv", kind: "NT", m: 1576, k: 384, n: 1152 },
  { at: "ViT-S fc1", kind: "NT", m: 1576, k: 384, n: 1536 },
  { at: "ViT-S fc2", kind: "NT", m: 1576, k: 1536, n: 384 },
  { at: "ViT-S qkv input gradient", kind: "NN", m: 1576, k: 1152, n: 384 },
  { at: "ViT-S fc1 input gradient", kind: "NN", m: 1576, k: 1536, n: 384 },
  { at: "ViT-S fc2 weight gradient", kind: "TN", m: 384, k: 1576, n: 1536 },
  { at: "ViT-S fc1 weight gradient", kind: "TN", m: 1536, k: 1576, n: 384 },
];

/** A ViT of width 96 on 32-pixel images, batch 128: 128 · 65 tokens. */
const cifarTiny: readonly ProductShape[] = [
  { at: "cifar-tiny qkv", kind: "NT", m: 8320, k: 96, n: 288 },
  { at: "cifar-tiny fc1", kind: "NT", m: 8320, k: 96, n: 384 },
  { at: "cifar-tiny fc2", kind: "NT", m: 8320, k: 384, n: 96 },
  { at: "cifar-tiny fc1 weight gradient", kind: "TN", m: 384, k: 8320, n: 96 },
];

/** A ViT of width 64 and its slice of width 32 on digits, batch 32: 32 · 17 tokens of global crops, 5 of local ones. */
const digits: readonly ProductShape[] = [
  { at: "digits qkv of the slice", kind: "NT", m: 544, k: 32, n: 96 },
  { at: "digits qkv of a local crop", kind: "NT", m: 136, k: 64, n: 192 },
  { at: "digits fc1", kind: "NT", m: 544, k: 64, n: 256 },
  { at: "digits fc1 input gradient", kind: "NN", m: 544, k: 256, n: 64 },
  { at: "digits fc2 weight gradient", kind: "TN", m: 64, k: 544, n: 256 },
  { at: "digits qkv weight gradient of the slice", kind: "TN", m: 96, k: 544, n: 32 },
  { at: "digits classes", kind: "NT", m: 64, k: 192, n: 10 },
];

/** Few rows, many columns: the prototypes of a head. */
const heads: readonly ProductShape[] = [
  { at: "prototypes", kind: "NT", m: 64, k: 256, n: 4096 },
  { at: "prototypes weight gradient", kind: "TN", m: 4096, k: 64, n: 256 },
];

/** Every product shape that is timed. */
export const products: readonly ProductShape[] = [...squares, ...vitSmall, ...cifarTiny, ...digits, ...heads];

/** Tokens of a model as rows of its width. */
export interface TokenShape {
  /** Where it occurs. */
  readonly at: string;
  readonly images: number;
  readonly tokens: number;
  readonly width: number;
  readonly headDim: number;
}

/** Global crops of the ViTs above. */
export const tokenShapes: readonly TokenShape[] = [
  { at: "ViT-S", images: 8, tokens: 197, width: 384, headDim: 64 },
  { at: "cifar-tiny", images: 128, tokens: 65, width: 96, headDim: 16 },
];

/** Logits of class and patch tokens over the prototypes of a head. */
export const logitShapes: readonly { readonly at: string; readonly rows: number; readonly cols: number }[] = [
  { at: "vit-small", rows: 64, cols: 8192 },
  { at: "published", rows: 16, cols: 65_536 },
];

/** The classifier whose training step is timed here and in every peer. */
export const classifier = {
  side: 96,
  patchSize: 8,
  batch: 16,
  width: 192,
  depth: 6,
  headDim: 64,
  classes: 100,
} as const;

/** Residual networks with group normalisation: one of a few minutes, and one of the published sizes. */
export const resnets = [
  {
    ...{ at: "resnet-tiny", side: 64, batch: 64, stemChannels: 16, outChannels: 32, width: 16 },
    ...{ depths: [1, 2, 2, 1], strides: [1, 2, 2, 1], groups: 4 },
  },
  {
    ...{ at: "R50", side: 224, batch: 2, stemChannels: 64, outChannels: 256, width: 64 },
    ...{ depths: [3, 4, 6, 3], strides: [1, 2, 2, 2], groups: 32 },
  },
] as const;

/** Swin transformers: one of a few minutes, and Swin-T with the heads of POA. */
export const swins = [
  {
    ...{ at: "swin-tiny", side: 32, batch: 64, patchSize: 4, width: 32 },
    ...{ depths: [1, 1, 2, 1], headDim: 8, windowSize: 2 },
  },
  {
    ...{ at: "Swin-T", side: 224, batch: 2, patchSize: 4, width: 96 },
    ...{ depths: [2, 2, 6, 2], headDim: 16, windowSize: 7 },
  },
] as const;
