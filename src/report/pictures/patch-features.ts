import { scope, step } from "../../autograd/tape.js";
import { toChannels } from "../../data/channels.js";
import type { RawImage } from "../../data/dataset.js";
import { EvalTransform } from "../../data/eval-transform.js";
import { ConfigError, DataError } from "../../errors.js";
import type { Encoder } from "../../models/encoder.js";
import type { Tensor } from "../../tensor/tensor.js";

/** Images that an encoder is given at a time. */
const BATCH = 8;

/**
 * Shows an encoder the middle squares of images, a few at a time.
 *
 * @param resolution  side in pixels at which it sees them
 * @param see  takes normalised images [b, C, resolution, resolution] and returns something per image
 * @throws ConfigError if the resolution is not made of whole patches, DataError if there is no image
 */
export function seeImages<T>(
  { spec }: Encoder,
  images: readonly RawImage[],
  resolution: number,
  see: (batch: Tensor) => T[],
): T[] {
  if (images.length === 0) throw new DataError("pictures: there is no image to show, expected at least one.");
  if ("patchSize" in spec && resolution % spec.patchSize !== 0) {
    throw new ConfigError(
      `pictures: a resolution of ${resolution} pixels is not made of whole patches; expected a multiple of ${spec.patchSize}.`,
    );
  }
  const { channels, mean, std } = spec;
  const geometry = { kind: "crop", shortSide: resolution, size: resolution } as const;
  const transform = new EvalTransform({ geometry, channels, mean, std });
  const slot = transform.allocate(Math.min(BATCH, images.length));
  try {
    const seen: T[] = [];
    for (let first = 0; first < images.length; first += BATCH) {
      const part = images.slice(first, first + BATCH).map((image) => toChannels(image, channels as 1 | 3));
      transform.write(part, slot);
      seen.push(...step(() => scope(() => see(slot.narrow(0, 0, part.length)))));
    }
    return seen;
  } finally {
    slot.dispose();
    transform.dispose();
  }
}
