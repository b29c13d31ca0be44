import { packBundle } from "../formats/bundle.js";
import { writeSafetensors } from "../formats/safetensors.js";
import type { Encoder } from "../models/encoder.js";
import { type ExportDType, storedState } from "./dtype.js";
import { encoderMetadata, type Provenance } from "./encoder-metadata.js";

/** How an encoder becomes bytes. */
export interface EncoderBytesOptions {
  readonly provenance?: Provenance;
  /** Of weights with two axes or more; default f32. */
  readonly dtype?: ExportDType;
}

/** An encoder as the bytes of a safetensors file (see `writeEncoder`). @throws NumericError for a weight beyond f16 */
export function encoderBytes(
  { backbone, spec }: Encoder,
  { provenance, dtype = "f32" }: EncoderBytesOptions,
): Uint8Array {
  return writeSafetensors(storedState(backbone, dtype), encoderMetadata(spec, provenance));
}

/**
 * The same as an edge bundle: behind a format version and a checksum, for `loadEncoder` of poa/edge. Touches no file, so that
 * an encoder can leave a browser too.
 *
 * @throws NumericError for a weight beyond f16
 */
export function encoderBundle(encoder: Encoder, options: EncoderBytesOptions = {}): Uint8Array {
  return packBundle(encoderBytes(encoder, options));
}
