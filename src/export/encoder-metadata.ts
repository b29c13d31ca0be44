import { usualGeometry } from "../data/eval-transform.js";
import type { EncoderSpec } from "../models/encoder-spec.js";
import { SPEC_KEY } from "../models/stored-spec.js";

export { parseSpec, SPEC_KEY } from "../models/stored-spec.js";

/** Where a file's metadata holds, beside its spec, what images must go through, and where it comes from; each a JSON text. */
export const PREPROCESSING_KEY = "poa.preprocessing";
const PROVENANCE_KEY = "poa.provenance";

/** Where an encoder comes from: whatever helps to make it again. */
export type Provenance = Readonly<Record<string, string | number>>;

/** The metadata of an encoder's file. */
export function encoderMetadata(spec: EncoderSpec, provenance?: Provenance): Map<string, string> {
  const metadata = new Map([
    [SPEC_KEY, JSON.stringify(spec)],
    [PREPROCESSING_KEY, JSON.stringify(preprocessingOf(spec))],
    ["format", "pt"],
  ]);
  if (provenance) metadata.set(PROVENANCE_KEY, JSON.stringify(provenance));
  return metadata;
}

/** What an image goes through before the network, in this order, for those who do it without this library. */
export function preprocessingOf({ imageSize, mean, std }: EncoderSpec) {
  const geometry = usualGeometry(imageSize);
  return {
    resizeShortSide: geometry.kind === "crop" ? geometry.shortSide : imageSize,
    interpolation: "bicubic, antialiased, on 8-bit values",
    centerCrop: imageSize,
    exception: `images of ${imageSize} x ${imageSize} are taken as they are`,
    scale: "1/255",
    mean,
    std,
    layout: "batch, channels (red, green, blue), rows, columns",
  };
}
