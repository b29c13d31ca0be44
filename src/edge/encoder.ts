import { scope, step } from "../autograd/tape.js";
import { EncoderTransform } from "../data/encoder-transform.js";
import { DataError } from "../errors.js";
import { unpackBundle } from "../formats/bundle.js";
import { readSafetensors } from "../formats/safetensors.js";
import { type AttentionMaps, attentionOf } from "../models/attention-maps.js";
import type { Encoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { bestClasses } from "../models/linear-head.js";
import { storedClassifier } from "../models/stored-classifier.js";
import { encoderIn } from "../models/stored-encoder.js";
import { l2Normalize } from "../ops/normalize.js";
import { dispose, type InitOptions, init, isRunning } from "../runtime/context.js";
import type { Tensor } from "../tensor/tensor.js";
import { type BundledClassifier, bundledClassifier, type Prediction } from "./classifier.js";
import { type EdgeImage, PixelReader } from "./pixels.js";
import { type BundleSource, readSource } from "./source.js";

export type { AttentionMaps } from "../models/attention-maps.js";
export type { Prediction } from "./classifier.js";
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
 * @throws ResourceError on a host that runs no WebAssembly with SIMD, MemoryError if it gives no memory
 */
export async function loadEncoder(source: BundleSource, options: EdgeOptions = {}): Promise<EdgeEncoder> {
  const { bytes, label } = await readSource(source);
  const content = unpackBundle(bytes, label);
  const { unitLength = false, ...start } = options;
  const starts = !isRunning();
  if (starts) await init(start);
  let encoder: Encoder | undefined;
  try {
    const file = readSafetensors(content, label);
    const stored = storedClassifier(file, label);
    encoder = encoderIn(file, label);
    const classifier = stored && bundledClassifier(stored, encoder, label);
    return new EdgeEncoder(encoder, { unitLength, classifier });
  } catch (error) {
    // A smaller network shall find its memory.
    encoder?.backbone.dispose();
    if (starts) dispose();
    throw error;
  }
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
  private readonly classifier: BundledClassifier | null;

  constructor(
    encoder: Encoder,
    { unitLength = false, classifier = null }: { unitLength?: boolean; classifier?: BundledClassifier | null } = {},
  ) {
    this.spec = encoder.spec;
    this.encoder = encoder;
    this.unitLength = unitLength;
    this.transform = new EncoderTransform(encoder.spec);
    this.reader = new PixelReader(encoder.spec.channels as 1 | 3);
    this.slot = this.transform.allocate(BATCH);
    this.classifier = classifier;
  }

  /** Names of the classes that `classify` tells apart; none if the bundle has no classifier. */
  get classes(): readonly string[] {
    return this.classifier?.classes ?? [];
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
    return this.rowsOf(images, (slot) => this.featuresOf(slot));
  }

  /**
   * The class of an image by the classifier that was saved in the bundle: a vote of the nearest images of a bank, or a
   * linear layer.
   *
   * @throws DataError if the bundle has no classifier, or the bytes do not fit the size
   */
  classify(image: EdgeImage): Prediction;
  classify(pixels: Uint8Array | Uint8ClampedArray, width: number, height: number): Prediction;
  classify(image: EdgeImage | Uint8Array | Uint8ClampedArray, width?: number, height?: number): Prediction {
    return this.classifyBatch([ArrayBuffer.isView(image) ? sized(image, width, height) : image])[0];
  }

  /** The classes of images of any sizes, one for each. @throws DataError as `classify` */
  classifyBatch(images: readonly EdgeImage[]): Prediction[] {
    const { classifier } = this;
    if (!classifier) {
      throw new DataError(
        "classify: the bundle has no classifier. Export it with --bank DATA or --head FILE of `poa eval linear`.",
      );
    }
    return this.rowsOf(images, (slot) => classifier.score(slot)).map((scores) => {
      const [index] = bestClasses(scores, scores.length);
      return { index, name: classifier.classes[index], scores };
    });
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
    this.classifier?.dispose();
  }

  /** Images as the network sees them, a few at a time, and a row of what `compute` makes of them for each. */
  private rowsOf(images: readonly EdgeImage[], compute: (slot: Tensor) => Float32Array): Float32Array[] {
    const rows: Float32Array[] = [];
    for (let first = 0; first < images.length; first += BATCH) {
      const count = Math.min(BATCH, images.length - first);
      for (let i = 0; i < count; i++) {
        this.transform.write([this.reader.read(images[first + i])], this.slot.narrow(0, i, 1));
      }
      const values = compute(this.slot.narrow(0, 0, count));
      const length = values.length / count;
      for (let i = 0; i < count; i++) rows.push(values.slice(i * length, (i + 1) * length));
    }
    return rows;
  }

  private featuresOf(images: Tensor): Float32Array {
    return step(() => {
      const features = this.encoder.backbone.classToken(images);
      return (this.unitLength ? l2Normalize(features) : features).toArray();
    }) as Float32Array;
  }
}

function sized(data: Uint8Array | Uint8ClampedArray, width?: number, height?: number): EdgeImage {
  if (width === undefined || height === undefined)
    throw new DataError("embed: width and height of the pixels are missing. Pass them, or an ImageData.");
  return { data, width, height };
}
