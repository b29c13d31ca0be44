import { scope, step } from "../../../autograd/tape.js";
import { usualGeometry } from "../../../data/eval-transform.js";
import { type EdgeEncoder, type EdgeImage, loadEncoder } from "../../../edge/encoder.js";
import { DataError } from "../../../errors.js";
import { knnVote } from "../../../eval/knn.js";
import { readSafetensors, toFloat32 } from "../../../formats/safetensors.js";
import { nearestRows } from "../../../ops/nearest.js";
import { fromArray, persistent } from "../../../tensor/create.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { FEATURES, type ShowcaseBank, type ShowcaseNetwork, VOTERS } from "../content.js";
import { timeCalls } from "./latency.js";
import type { Looked, SeenSquare } from "./messages.js";

/** Neighbours that are shown. */
const SHOWN = 12;

/** An encoder of the showcase with the bank as it sees it. */
export class TriedNetwork {
  readonly bytes: number;
  private readonly encoder: EdgeEncoder;
  private readonly features: Tensor;
  private readonly bank: ShowcaseBank;

  private constructor(encoder: EdgeEncoder, features: Tensor, { bank, bytes }: { bank: ShowcaseBank; bytes: number }) {
    this.encoder = encoder;
    this.features = features;
    this.bank = bank;
    this.bytes = bytes;
  }

  /**
   * Loads the files of a network.
   *
   * @param base  address that theirs are relative to
   * @throws what `loadEncoder` throws, FormatError for damaged features
   */
  static async load(network: ShowcaseNetwork, bank: ShowcaseBank, base: string): Promise<TriedNetwork> {
    const [bundle, file] = await Promise.all(
      [network.bundle, network.features].map((path) => download(new URL(path, base))),
    );
    const encoder = await loadEncoder(bundle, { threads: 1, unitLength: true });
    const stored = readSafetensors(file, network.features).tensors.get(FEATURES);
    if (!stored || stored.shape.join() !== `${bank.count},${encoder.featureDim}`) {
      encoder.dispose();
      throw new DataError(`${network.features} does not fit the page. Make the folder of the page again.`);
    }
    const features = persistent(stored.shape);
    features.write(toFloat32(stored));
    return new TriedNetwork(encoder, features, { bank, bytes: network.bundleBytes + network.featuresBytes });
  }

  /** The nearest images of the bank, how their classes vote, and where the encoder looks. */
  look(image: EdgeImage): Looked {
    const { bank, features } = this;
    const feature = this.encoder.embed(image);
    const found = step(() =>
      scope(() => {
        const query = fromArray(feature, [1, feature.length]);
        const nearest = nearestRows(query, features, Math.min(SHOWN, bank.count));
        return {
          rows: nearest.index.toArray(),
          similarities: nearest.similarity.toArray(),
          votes: bank.labels && this.vote(query, bank.labels),
        };
      }),
    );
    return {
      neighbors: Array.from(found.rows, (index, i) => ({ index, similarity: found.similarities[i] })),
      votes: found.votes && [...found.votes],
      seen: seenSquare(image, this.encoder.spec.imageSize),
      attention: this.encoder.attention(image),
    };
  }

  /** Times the way from pixels of the size of training to the feature. */
  measure(): number[] {
    const { imageSize: side } = this.encoder.spec;
    const pixels = Uint8Array.from({ length: 3 * side * side }, (_, i) => (37 * i) & 255);
    return timeCalls(() => this.encoder.embed(pixels, side, side));
  }

  /** Gives its memory back. */
  dispose(): void {
    this.encoder.dispose();
    this.features.dispose();
  }

  private vote(query: Tensor, labels: readonly number[]): Float32Array {
    const bank = { features: this.features, labels: Int32Array.from(labels) };
    return knnVote(query, bank, { ks: [VOTERS], classes: this.bank.classes.length }).get(VOTERS)!;
  }
}

/** The part of an image that an encoder sees: all of one of its size, of others the middle square that is cut. */
export function seenSquare({ width, height }: Pick<EdgeImage, "width" | "height">, imageSize: number): SeenSquare {
  if (width === imageSize && height === imageSize) return { x: 0, y: 0, side: imageSize };
  const { size, shortSide } = usualGeometry(imageSize);
  const side = (Math.min(width, height) * size) / shortSide;
  return { x: (width - side) / 2, y: (height - side) / 2, side };
}

async function download(address: URL): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new DataError(`${address.href} cannot be loaded: the server answers ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}
