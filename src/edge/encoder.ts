import { scope, step } from "../autograd/tape.js";
import { EncoderTransform } from "../data/encoder-transform.js";
import { DataError, ShapeError } from "../errors.js";
import { unpackBundle } from "../formats/bundle.js";
import { readSafetensors } from "../formats/safetensors.js";
import { type AttentionMaps, attentionOf } from "../models/attention-maps.js";
import type { Encoder } from "../models/encoder.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { bestClasses } from "../models/linear-head.js";
import { storedClassifier } from "../models/stored-classifier.js";
import { encoderIn } from "../models/stored-encoder.js";
import { contiguous } from "../ops/layout.js";
import { l2Normalize } from "../ops/normalize.js";
import { dispose, type InitOptions, init, isRunning, runtime } from "../runtime/context.js";
import type { Heap } from "../runtime/heap.js";
import { RecordedPass } from "../runtime/recorded-pass.js";
import { sizeOf } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";
import { type BundledClassifier, bundledClassifier, type Prediction } from "./classifier.js";
import { type EdgeImage, PixelReader, type Pixels } from "./pixels.js";
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

/** How the feature of an image of one size was computed, and where it stands then. */
interface Route {
  readonly width: number;
  readonly height: number;
  readonly pass: RecordedPass;
  /** Number of the feature's first element in linear memory. */
  readonly start: number;
  /** The feature as a part of the view of linear memory that it was taken from, which growth replaces. */
  feature: Float32Array;
  of: Heap["f32"];
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
  /** Of the last image that was embedded alone. */
  private route: Route | null = null;

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
   * The class feature of an image, which is resized, cut and normalised as in training. With `out`, images of the size of the one
   * before make no object and take no memory.
   *
   * @param image  an ImageData, or the bytes of its pixels with width and height
   * @param out  where the feature is written, [featureDim]; by default a new array
   * @returns [featureDim]
   * @throws DataError if the bytes do not fit the size, ShapeError if `out` has another length
   */
  embed(image: EdgeImage, out?: Float32Array): Float32Array;
  embed(pixels: Pixels, width: number, height: number, out?: Float32Array): Float32Array;
  embed(
    image: EdgeImage | Pixels,
    second?: number | Float32Array,
    third?: number,
    fourth?: Float32Array,
  ): Float32Array {
    if (!ArrayBuffer.isView(image))
      return this.embedPixels(image.data, image.width, image.height, second as Float32Array | undefined);
    if (second === undefined || third === undefined) throw unsized();
    return this.embedPixels(image, second as number, third, fourth);
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
  classify(pixels: Pixels, width: number, height: number): Prediction;
  classify(image: EdgeImage | Pixels, width?: number, height?: number): Prediction {
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
    this.prepare(image, slot);
    return step(() => scope(() => attentionOf(this.encoder, slot)))[0];
  }

  /** Gives the memory of weights and images back. */
  dispose(): void {
    this.route = null;
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
      for (let i = 0; i < count; i++) this.prepare(images[first + i], this.slot.narrow(0, i, 1));
      const values = compute(this.slot.narrow(0, 0, count));
      const length = values.length / count;
      for (let i = 0; i < count; i++) rows.push(values.slice(i * length, (i + 1) * length));
    }
    return rows;
  }

  /** Writes an image as the network sees it. */
  private prepare(image: EdgeImage, slot: Tensor): void {
    const { route } = this;
    // An image of another size may move the buffers through which it passes.
    if (route && (image.width !== route.width || image.height !== route.height)) this.route = null;
    this.transform.write([this.reader.read(image)], slot);
  }

  private featuresOf(images: Tensor): Float32Array {
    return step(() => this.feature(images).toArray()) as Float32Array;
  }

  private feature(images: Tensor): Tensor {
    const features = this.encoder.backbone.classToken(images);
    return contiguous(this.unitLength ? l2Normalize(features) : features);
  }

  private embedPixels(data: Pixels, width: number, height: number, out?: Float32Array): Float32Array {
    if (out !== undefined && out.length !== this.featureDim) throw misfit(out, this.featureDim);
    const bytes = this.reader.bytes(data, width, height);
    const { route } = this;
    if (!route || route.width !== width || route.height !== height || !route.pass.runnable)
      return this.embedAnew({ data, width, height }, out);
    route.pass.run(bytes);
    return copied(featureOf(route), out);
  }

  /** The ordinary way, whose kernel calls are noted unless an open step has its memory where they would write. */
  private embedAnew(image: EdgeImage, out?: Float32Array): Float32Array {
    this.route = null;
    if (runtime().step.depth > 0) return copied(this.embedBatch([image])[0], out);
    const raw = this.reader.read(image);
    const slot = this.slot.narrow(0, 0, 1);
    const { value: start, pass } = RecordedPass.of(raw.data, () => {
      this.transform.write([raw], slot);
      return step(() => this.feature(slot).ptr / sizeOf.f32);
    });
    const of = runtime().heap.f32;
    const feature = of.subarray(start, start + this.featureDim) as Float32Array;
    if (pass) this.route = { width: image.width, height: image.height, pass, start, feature, of };
    return copied(feature, out);
  }
}

/** Where the feature stands in linear memory, as it is now. */
function featureOf(route: Route): Float32Array {
  const { f32 } = runtime().heap;
  if (f32 !== route.of) {
    route.of = f32;
    route.feature = f32.subarray(route.start, route.start + route.feature.length) as Float32Array;
  }
  return route.feature;
}

/** Numbers in `out`, or in a new array. */
function copied(values: Float32Array, out?: Float32Array): Float32Array {
  if (!out) return values.slice();
  out.set(values);
  return out;
}

function sized(data: Pixels, width?: number, height?: number): EdgeImage {
  if (width === undefined || height === undefined) throw unsized();
  return { data, width, height };
}

const unsized = () => new DataError("embed: width and height of the pixels are missing. Pass them, or an ImageData.");

const misfit = ({ length }: Float32Array, expected: number) =>
  new ShapeError(`embed: out has ${length} numbers, a feature has ${expected} (featureDim).`);
