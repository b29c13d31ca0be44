import { packBundle } from "../formats/bundle.js";
import { type StoredTensor, writeSafetensors } from "../formats/safetensors.js";
import type { Backbone } from "../models/backbone.js";
import type { Encoder } from "../models/encoder.js";
import { BANK, CLASSIFIER_KEY, HEAD, type StoredBank, type StoredHead } from "../models/stored-classifier.js";
import { BACKBONE } from "../models/stored-encoder.js";
import { type BundleDType, storedState } from "./dtype.js";
import { encoderMetadata, type Provenance } from "./encoder-metadata.js";

/** An encoder as the bytes of a safetensors file (see `writeEncoder`). @throws NumericError for a weight beyond f16 */
export function encoderBytes(
  { backbone, spec }: Encoder,
  { provenance, dtype = "f32" }: Pick<BundleOptions, "provenance" | "dtype">,
): Uint8Array {
  return writeSafetensors(denseState(backbone, dtype), encoderMetadata(spec, provenance));
}

/** What goes into an edge bundle beside the network. */
export interface BundleOptions {
  readonly provenance?: Provenance;
  /** Of weights; default f32. */
  readonly dtype?: BundleDType;
  /** What `classify` is to use. */
  readonly classifier?: StoredBank | StoredHead;
}

/**
 * What `writeEncoder` writes as an edge bundle: behind a format version and a checksum, for `loadEncoder` of poa/edge. Touches no
 * file, so that an encoder can leave a browser too.
 *
 * @throws NumericError for a weight beyond f16, of int8 for one that is not finite
 */
export function encoderBundle(
  encoder: Encoder,
  { provenance, dtype = "f32", classifier }: BundleOptions = {},
): Uint8Array {
  if (!classifier) return packBundle(encoderBytes(encoder, { provenance, dtype }));
  const network = denseState(encoder.backbone, dtype);
  const tensors = new Map([...network].map(([name, x]) => [BACKBONE + name, x]));
  const metadata = encoderMetadata(encoder.spec, provenance);
  const { beside, about } = besideNetwork(classifier);
  for (const [name, x] of beside) tensors.set(name, x);
  return packBundle(writeSafetensors(tensors, metadata.set(CLASSIFIER_KEY, JSON.stringify(about))));
}

/** The weights of a network; of a part of a wider one as those of a network of its own. */
function denseState(backbone: Backbone, dtype: BundleDType): Map<string, StoredTensor> {
  const dense = backbone.materialize();
  try {
    return storedState(dense, dtype);
  } finally {
    dense.dispose();
  }
}

/** A classifier's tensors and the rest of it. */
function besideNetwork(classifier: StoredBank | StoredHead): { beside: [string, StoredTensor][]; about: object } {
  if ("labels" in classifier) {
    const { features, labels, ...about } = classifier;
    const stored: StoredTensor = { dtype: "I32", shape: [labels.length], data: labels };
    return {
      about,
      beside: [
        [`${BANK}features`, features],
        [`${BANK}labels`, stored],
      ],
    };
  }
  const { weight, bias, ...about } = classifier;
  return {
    about,
    beside: [
      [`${HEAD}weight`, weight],
      [`${HEAD}bias`, bias],
    ],
  };
}
