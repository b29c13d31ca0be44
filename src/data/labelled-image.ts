import type { RawImage } from "./dataset.js";

/** An image and the labels of its pixels. */
export interface LabelledImage {
  readonly image: RawImage;
  /** [height, width]; 255 where a pixel does not count. */
  readonly labels: Uint8Array;
}

/** An image with labels as one more channel, so that whatever reads, caches and batches images serves both. */
export function withLabels({ image, labels }: LabelledImage): RawImage {
  const { width, height, channels, data } = image;
  const joined = new Uint8Array((channels + 1) * labels.length);
  for (let i = 0; i < labels.length; i++) {
    for (let c = 0; c < channels; c++) joined[i * (channels + 1) + c] = data[i * channels + c];
    joined[i * (channels + 1) + channels] = labels[i];
  }
  return { width, height, channels: channels + 1, data: joined };
}

/** Takes apart what `withLabels` has joined. */
export function splitLabels({ width, height, channels, data }: RawImage): LabelledImage {
  const labels = new Uint8Array(width * height);
  const pixels = new Uint8Array(labels.length * (channels - 1));
  for (let i = 0; i < labels.length; i++) {
    for (let c = 0; c < channels - 1; c++) pixels[i * (channels - 1) + c] = data[i * channels + c];
    labels[i] = data[i * channels + channels - 1];
  }
  return { image: { width, height, channels: channels - 1, data: pixels }, labels };
}
