import { type ImageSource, type RawImage, readBy } from "./dataset.js";
import { PackedImages } from "./packed-images.js";
import type { PackedIdentity } from "./packed-index.js";

/** Where there is nothing to read yet, it is looked anew this often. */
const RETRY_MS = 1_000;

/** Where decoded images are packed, and whether more are wanted there: data that can be sent to another thread. */
export interface PackedPlaceRecipe {
  readonly folder: string;
  readonly identity: PackedIdentity;
  /** One number, 1 while images that are missing there are wanted; null if they never are. */
  readonly wanted: Int32Array | null;
}

/** An image that was not packed. */
export interface DecodedImage {
  readonly index: number;
  readonly image: RawImage;
  /** It was packed, and its bytes had changed. */
  readonly damaged: boolean;
}

/**
 * The same source, with images read from where they are packed, if they are. Nothing is written; who writes is told what is missing.
 * Whatever is wrong with the files, images come out as the source gives them.
 *
 * @param onDecoded  told about images that are wanted there
 */
export function packedSource(
  source: ImageSource,
  { folder, identity, wanted }: PackedPlaceRecipe,
  onDecoded: (decoded: DecodedImage) => void,
): ImageSource {
  let packed: Promise<PackedImages | null> | null = null;
  let openedAt = Number.NEGATIVE_INFINITY;
  const files = async (): Promise<PackedImages | null> => {
    const found = await packed;
    if (found || performance.now() - openedAt < RETRY_MS) return found ?? packed;
    openedAt = performance.now();
    packed = PackedImages.reader(folder, identity).catch(() => null);
    return packed;
  };
  const read = async (index: number): Promise<RawImage> => {
    const kept = await files()
      .then((from) => from?.read(index) ?? null)
      .catch(() => null);
    if (kept !== null && kept !== "damaged") return kept;
    const image = await source.read(index);
    if (wanted && Atomics.load(wanted, 0) === 1) onDecoded({ index, image, damaged: kept === "damaged" });
    return image;
  };
  return readBy(source, read);
}
