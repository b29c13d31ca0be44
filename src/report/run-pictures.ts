import { type ImageSource, type RawImage, subset } from "../data/dataset.js";
import { encodePng } from "../data/encode-png.js";
import { DataError } from "../errors.js";
import { extractFeatures } from "../eval/features.js";
import type { Encoder } from "../models/encoder.js";
import type { Config } from "../poa/config-keys.js";
import { attentionPicture } from "./pictures/attention.js";
import { contactSheet } from "./pictures/contact-sheet.js";
import { neighborsPicture } from "./pictures/neighbors.js";
import { pcaPicture } from "./pictures/pca.js";
import type { Picture } from "./pictures/picture.js";
import type { PagePicture } from "./sections/pictures.js";

/** Bytes of a picture at most, so that a page stays below 2 MB; crops, which have most detail, get the most. */
const CROP_BYTES = 380_000;
const OTHER_BYTES = 240_000;
/** Sides of a tile in pixels, and numbers of images with their crops; the first whose picture is small enough is taken. */
const SIDES = [128, 112, 96, 80, 64, 48];
const CROP_IMAGES = [4, 3, 2, 1];

/** Images shown with their attention, with their features, and with their neighbours; and those that neighbours are among. */
const ATTENTION_IMAGES = 4;
const FEATURE_IMAGES = 6;
const QUERIES = { count: 5, k: 6 };
const BANK_IMAGES = 2_000;

/** The encoder, its settings, and the images of pictures. */
export interface PictureSubject {
  readonly config: Config;
  readonly encoder: Encoder;
  /** Images to show. */
  readonly source: ImageSource;
}

/** Who is told of progress and oddities. */
export interface PictureOptions {
  /** Told how many of all pictures are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told what is left out, and why. */
  readonly onWarning?: (message: string) => void;
}

/**
 * What the network sees of some images and what it makes of them: crops, attention, principal components of its features,
 * neighbours. Which images are shown depends on the source alone. A picture that these images do not allow is left out with a
 * warning.
 *
 * @throws DataError if no image can be read
 */
export async function runPictures(subject: PictureSubject, options: PictureOptions = {}): Promise<PagePicture[]> {
  const { config, encoder, source } = subject;
  const { onProgress, onWarning = () => {} } = options;
  const bank = spread(source, BANK_IMAGES);
  const images = await readSome(bank, FEATURE_IMAGES);
  const filled = filling(source, config.train.batch_size_per_gpu * config.train.accumulate);
  const features = await extractFeatures(bank, encoder, { onProgress, onWarning });
  const featured = { source: bank, features };
  const pictures: Wanted[] = [
    ["Crops of the training", CROP_BYTES, CROP_IMAGES, (count) => contactSheet(config, filled, { images: count })],
    ["Attention", OTHER_BYTES, SIDES, (side) => attentionPicture(encoder, images.slice(0, ATTENTION_IMAGES), { side })],
    ["Features of patches", OTHER_BYTES, SIDES, (side) => pcaPicture(encoder, images, { side })],
    ["Nearest neighbours", OTHER_BYTES, SIDES, (side) => neighborsPicture(featured, featured, { ...QUERIES, side })],
  ];
  const made: PagePicture[] = [];
  try {
    for (const wanted of pictures) {
      try {
        made.push(await encoded(wanted));
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        onWarning(`report: ${wanted[0]} cannot be shown: ${error.message}`);
      }
    }
  } finally {
    features.features.dispose();
  }
  return made;
}

/** A picture by what it may take: its title, its bytes, sizes to try, and how it is made in one of them. */
type Wanted = readonly [
  title: string,
  bytes: number,
  sizes: readonly number[],
  make: (size: number) => Promise<Picture> | Picture,
];

/** At most so many images of a source, evenly spread. */
function spread(source: ImageSource, count: number): ImageSource {
  if (source.length <= count) return source;
  const indices = Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * source.length) / count));
  return subset(source, indices, source.name);
}

/** The images of a source again and again, so that they fill a training step. */
function filling(source: ImageSource, count: number): ImageSource {
  if (source.length >= count) return source;
  const indices = Int32Array.from({ length: count }, (_, i) => i % source.length);
  return subset(source, indices, source.name);
}

/** Some images that can be read, evenly spread. */
async function readSome(source: ImageSource, count: number): Promise<RawImage[]> {
  const images: RawImage[] = [];
  const step = Math.max(1, Math.floor(source.length / count));
  // First every step-th image, then those after them, for where some are broken.
  for (let first = 0; first < step; first++) {
    for (let index = first; index < source.length && images.length < count; index += step) {
      try {
        images.push(await source.read(index));
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
      }
    }
  }
  if (images.length === 0) throw new DataError(`report: no image of ${source.name} can be read.`);
  return images;
}

/** The first picture of some sizes that takes few enough bytes; the last one is halved until it does. */
async function encoded([title, bytes, sizes, make]: Wanted): Promise<PagePicture> {
  let last: { picture: Picture; png: Uint8Array } | null = null;
  for (const size of sizes) {
    const picture = await make(size);
    last = { picture, png: encodePng(picture.image) };
    if (last.png.length <= bytes) break;
  }
  let { image, caption } = last!.picture;
  let { png } = last!;
  while (png.length > bytes) {
    image = halved(image);
    png = encodePng(image);
  }
  return { title, caption, width: image.width, height: image.height, png };
}

/** Means of 2 × 2 pixels. */
function halved({ width, height, channels, data }: RawImage): RawImage {
  const [columns, rows] = [width >> 1, height >> 1];
  const made = new Uint8Array(columns * rows * channels);
  for (let at = 0; at < made.length; at++) {
    const c = at % channels;
    const column = Math.floor(at / channels) % columns;
    const row = Math.floor(at / (channels * columns));
    const first = (2 * row * width + 2 * column) * channels + c;
    const below = first + width * channels;
    made[at] = (data[first] + data[first + channels] + data[below] + data[below + channels] + 2) >> 2;
  }
  return { width: columns, height: rows, channels, data: made };
}
