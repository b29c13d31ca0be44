import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, parse } from "node:path";
import { ConfigError, DataError } from "../errors.js";
import type { ImageSource, Split } from "./dataset.js";
import { DEFAULT_MAX_PIXELS } from "./decode.js";
import { decodeLabelPng, type LabelMap } from "./decode-label-png.js";
import { imageExtensions, readImage } from "./file-collection.js";
import { Fingerprint } from "./fingerprint.js";
import { splitFolders } from "./image-folder.js";
import { withLabels } from "./labelled-image.js";
import { labelsOf, type MaskMeaning } from "./mask-meaning.js";
import { printable } from "./printable.js";
import { lookUp, parseSourceSpec } from "./source-spec.js";

/** The two folders of a split. */
const IMAGES = "images";
const MASKS = "masks";

/** An image file and its mask, which has the same name but ends in .png. */
export interface MaskPair {
  readonly image: string;
  readonly mask: string;
}

/** Images with masks, and what to call them. */
export interface MaskPairs {
  readonly name: string;
  readonly pairs: readonly MaskPair[];
}

/**
 * The images with masks that a data spec names: DIR or folder:DIR, with #split and @a..b. DIR holds `train` and `test` (or
 * `val`, `valid`, `validation`), each with the folders `images` and `masks`; or it holds these two itself.
 *
 * @param split  taken where the spec names none and DIR is divided
 * @returns in order of the images' names
 * @throws ConfigError for another kind of source; DataError if a folder or a mask is missing, or there are too few images
 */
export function openMaskPairs(spec: string, split: Split): MaskPairs {
  const { kind, path, split: named, range } = parseSourceSpec(spec);
  if (kind !== "folder") {
    throw new ConfigError(
      `data spec "${printable(spec)}": ${kind} has no masks. Name a folder with train/images, train/masks, val/images and val/masks.`,
    );
  }
  const folder = splitFolder(lookUp("folder", path), named ?? split, named !== null);
  const pairs = pairsIn(folder);
  const [begin, end] = range ?? [0, pairs.length];
  if (end > pairs.length) {
    throw new DataError(
      `range: ${printable(folder)} has ${pairs.length} images, so @${begin}..${end} ends outside. Lower the upper bound.`,
    );
  }
  const name = `masks:${printable(folder)}${range ? `@${begin}..${end}` : ""}`;
  return { name, pairs: pairs.slice(begin, end) };
}

/** The folder that holds `images` and `masks`. */
function splitFolder(folder: string, split: Split, explicit: boolean): string {
  const holds = (path: string) => [IMAGES, MASKS].every((part) => isFolder(join(path, part)));
  const found = splitFolders[split].map((name) => join(folder, name)).find(holds);
  if (found !== undefined) return found;
  if (!explicit && holds(folder)) return folder;
  throw new DataError(
    `masks: ${printable(folder)} has no ${split} split: looked for the folders ${IMAGES} and ${MASKS} in ` +
      `${splitFolders[split].join(", ")}${explicit ? "" : " and in the folder itself"}.`,
  );
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function pairsIn(folder: string): MaskPair[] {
  const names = readdirSync(join(folder, IMAGES))
    .filter((name) => !name.startsWith(".") && imageExtensions.includes(extname(name).toLowerCase()))
    .sort();
  if (names.length === 0) throw new DataError(`masks: no images in ${printable(join(folder, IMAGES))}.`);
  const pairs = names.map((name) => ({
    image: join(folder, IMAGES, name),
    mask: join(folder, MASKS, `${parse(name).name}.png`),
  }));
  const missing = pairs.filter(({ mask }) => statSync(mask, { throwIfNoEntry: false })?.isFile() !== true);
  if (missing.length > 0) {
    throw new DataError(
      `${printable(missing[0].mask)}: is missing${missing.length > 1 ? `, as are ${missing.length - 1} other masks` : ""}. ` +
        "Each image needs a mask of its name that ends in .png.",
    );
  }
  return pairs;
}

/** The mask of a pair. @throws DataError if it cannot be read */
export async function readMask({ mask }: MaskPair): Promise<LabelMap> {
  const label = printable(mask);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(mask);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new DataError(`${label}: cannot be read (${code}). Was it moved or deleted?`, { cause: error });
  }
  return decodeLabelPng(bytes, label, DEFAULT_MAX_PIXELS);
}

/** Some pairs, evenly spaced over all: enough to tell what masks mean. */
export function somePairs(pairs: readonly MaskPair[], most: number): MaskPair[] {
  const count = Math.min(most, pairs.length);
  return Array.from({ length: count }, (_, i) => pairs[Math.floor((i * pairs.length) / count)]);
}

/**
 * Images whose last channel is the label of each pixel (data/labelled-image.ts).
 *
 * @param meaning  what the numbers of masks stand for
 * @param channels  of the images themselves
 */
export function segmentationSource({ name, pairs }: MaskPairs, meaning: MaskMeaning, channels: 1 | 3): ImageSource {
  return {
    name,
    length: pairs.length,
    labels: null,
    classes: [],
    path: (index) => printable(pairs[index].image),
    read: async (index) => {
      const pair = pairs[index];
      const [{ image }, mask] = await Promise.all([readImage(pair.image, { channels }), readMask(pair)]);
      if (mask.width !== image.width || mask.height !== image.height) {
        throw new DataError(
          `${printable(pair.mask)}: is ${mask.width} × ${mask.height}, its image ${image.width} × ${image.height}. ` +
            "Masks have the size of their images.",
        );
      }
      return withLabels({ image, labels: labelsOf(mask, meaning, printable(pair.mask)) });
    },
    fingerprint: () => {
      const hash = new Fingerprint().text("masks").text(JSON.stringify(meaning));
      for (const { image, mask } of pairs)
        hash.text(parse(image).base).integers([statSync(image).size, statSync(mask).size]);
      return hash.digest();
    },
  };
}
