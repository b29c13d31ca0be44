import { scope, step } from "../autograd/tape.js";
import { EncoderTransform } from "../data/encoder-transform.js";
import { DataError } from "../errors.js";
import { unpackBundle } from "../formats/bundle.js";
import { type AttentionMaps, attentionOf } from "../models/attention-maps.js";
import type { Encoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { storedEncoder } from "../models/stored-encoder.js";
import { l2Normalize } from "../ops/normalize.js";
import { type InitOptions, init, isRunning } from "../runtime/context.js";
import type { Tensor } from "../tensor/tensor.js";
import { type EdgeImage, PixelReader } from "./pixels.js";
import { type BundleSource, readSource } from "./source.js";

export type { AttentionMaps } from "../models/attention-maps.js";
export type { EdgeImage } from "./pixels.js";

/** Images that go through the network at once. */
const BATCH = 8;

/** How the runtime starts, if none is running yet, and how features leave. */
export interface EdgeOptions extends Pick<InitOptions, "memory" | "threads" | "simd"> {
  /** Whether features have length 1, as similarity search wants them. Default false. */
  readonly unitLength?: boolean;
}

/**
 * Loads an encoder from the bundle that `poa export MODEL --format edge` writes.
 *
 * @throws DataError if nothing can be read there
 * @throws FormatError if the bundle is damaged or of another version
 * @throws ResourceError on a host without WebAssembly SIMD, MemoryError if it gives no memory
 */
export async function loadEncoder(source: BundleSource, options: EdgeOptions = {}): Promise<EdgeEncoder> {
  const { bytes, label } = await readSource(source);
  const content = unpackBundle(bytes, label);
  const { unitLength = false, ...start } = options;
  if (!isRunning()) await init(start);
  return new EdgeEncoder(storedEncoder(content, label), unitLength);
}

/** A frozen encoder that takes pixels. */
export class EdgeEncoder {
  /** What the network is and how it was trained to see images. */
  readonly spec: EncoderSpec;
  private readonly encoder: Encoder;
  private readonly unitLength: boolean;
  private readonly transform: EncoderTransform;
  private readonly reader: PixelReader;
  private readonly slot: Tensor;

  constructor(encoder: Encoder, unitLength: boolean) {
    this.spec = encoder.spec;
    this.encoder = encoder;
    this.unitLength = unitLength;
    this.transform = new EncoderTransform(encoder.spec);
    this.reader = new PixelReader(encoder.spec.channels as 1 | 3);
    this.slot = this.transform.allocate(BATCH);
  }

  /** Length of a feature. */
  get featureDim(): number {
    return this.encoder.backbone.featureDim;
  }

  /**
   * The class feature of an image, which is resized, cut and normalised as in training.
   *
   * @param image  an ImageData, or the bytes of its pixels with width and height
   * @returns [featureDim], a new array
   * @throws DataError if the bytes do not fit the size
   */
  embed(image: EdgeImage): Float32Array;
  embed(pixels: Uint8Array | Uint8ClampedArray, width: number, height: number): Float32Array;
  embed(image: EdgeImage | Uint8Array | Uint8ClampedArray, width?: number, height?: number): Float32Array {
    return this.embedBatch([ArrayBuffer.isView(image) ? sized(image, width, height) : image])[0];
  }

  /** The class features of images of any sizes, one for each. @throws DataError as `embed` */
  embedBatch(images: readonly EdgeImage[]): Float32Array[] {
    const features: Float32Array[] = [];
    for (let first = 0; first < images.length; first += BATCH) {
      const part = images.slice(first, first + BATCH);
      part.forEach((image, i) => {
        this.transform.write([this.reader.read(image)], this.slot.narrow(0, i, 1));
      });
      const rows = this.featuresOf(part.length);
      for (let i = 0; i < part.length; i++) features.push(rows.slice(i * this.featureDim, (i + 1) * this.featureDim));
    }
    return features;
  }

  /**
   * Where the encoder looks in an image, over the part of it that `embed` sees: of a ViT the attention of the class token to
   * each patch in the last block, by head; of Swin and ResNet the cosine similarity of each cell with the whole.
   *
   * @throws DataError as `embed`
   */
  attention(image: EdgeImage): AttentionMaps {
    const slot = this.slot.narrow(0, 0, 1);
    this.transform.write([this.reader.read(image)], slot);
    return step(() => scope(() => attentionOf(this.encoder, slot)))[0];
  }

  /** Gives the memory of weights and images back. */
  dispose(): void {
    this.encoder.backbone.dispose();
    this.transform.dispose();
    this.slot.dispose();
  }

  private featuresOf(count: number): Float32Array {
    return step(() => {
      const features = this.encoder.backbone.classToken(this.slot.narrow(0, 0, count));
      return (this.unitLength ? l2Normalize(features) : features).toArray();
    }) as Float32Array;
  }
}

function sized(data: Uint8Array | Uint8ClampedArray, width?: number, height?: number): EdgeImage {
  if (width === undefined || height === undefined)
    throw new DataError("embed: width and height of the pixels are missing. Pass them, or an ImageData.");
  return { data, width, height };
}
