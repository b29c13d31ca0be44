/** A convolution of a model: square images, padding of half the taps. */
export interface ConvShape {
  /** Where it occurs. */
  readonly at: string;
  readonly batch: number;
  /** Height and width of x. */
  readonly side: number;
  readonly channels: number;
  readonly outputs: number;
  readonly taps: number;
  readonly stride: number;
  readonly groups?: number;
}

/** Rows of y, and columns. */
export function outputSide({ side, taps, stride }: ConvShape): number {
  return Math.floor((side + 2 * (taps >> 1) - taps) / stride) + 1;
}

const batch = 8;

/** A ResNet-50 on images of 224 pixels: the stem, one layer of each kind of each stage, and what only others have. */
export const convolutions: readonly ConvShape[] = [
  { at: "stem", batch, side: 224, channels: 3, outputs: 64, taps: 7, stride: 2 },
  { at: "stage 1", batch, side: 56, channels: 64, outputs: 64, taps: 3, stride: 1 },
  { at: "stage 2", batch, side: 28, channels: 128, outputs: 128, taps: 3, stride: 1 },
  { at: "stage 3", batch, side: 14, channels: 256, outputs: 256, taps: 3, stride: 1 },
  { at: "stage 4", batch, side: 7, channels: 512, outputs: 512, taps: 3, stride: 1 },
  { at: "stage 2 first", batch, side: 56, channels: 128, outputs: 128, taps: 3, stride: 2 },
  { at: "stage 1 narrow", batch, side: 56, channels: 256, outputs: 64, taps: 1, stride: 1 },
  { at: "stage 1 wide", batch, side: 56, channels: 64, outputs: 256, taps: 1, stride: 1 },
  { at: "stage 4 narrow", batch, side: 7, channels: 2048, outputs: 512, taps: 1, stride: 1 },
  { at: "stage 2 downsample", batch, side: 56, channels: 256, outputs: 512, taps: 1, stride: 2 },
  { at: "depthwise", batch, side: 56, channels: 64, outputs: 64, taps: 3, stride: 1, groups: 64 },
  { at: "32 groups", batch, side: 28, channels: 256, outputs: 256, taps: 3, stride: 1, groups: 32 },
];

/** A batch of square images. */
export interface ImageShape {
  readonly at: string;
  readonly batch: number;
  readonly side: number;
  readonly channels: number;
}

/** Outputs of a ResNet-50's stages on images of 224 pixels. */
export const images: readonly ImageShape[] = [
  { at: "stem", batch, side: 112, channels: 64 },
  { at: "stage 1", batch, side: 56, channels: 256 },
  { at: "stage 4", batch, side: 7, channels: 2048 },
];
