import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ImageSource, subset } from "../../data/dataset.js";
import { encodePng } from "../../data/encode-png.js";
import { DataError } from "../../errors.js";
import { sharedFeatures } from "../../eval/shared-features.js";
import type { ExportDType } from "../../export/dtype.js";
import { encoderBundle } from "../../export/encoder-bundle.js";
import { unpackBundle } from "../../formats/bundle.js";
import { writeSafetensors } from "../../formats/safetensors.js";
import type { Encoder } from "../../models/encoder.js";
import { sizeOfNetwork } from "../../models/size.js";
import { storedEncoder } from "../../models/stored-encoder.js";
import { fittedImage } from "../pictures/fitted-image.js";
import { FEATURES, type ShowcaseContent, type ShowcaseNetwork, type ShowcaseSample } from "./content.js";
import { showcaseDocument } from "./document.js";
import { copyModules } from "./modules.js";
import { PER_SIDE, thumbnailsOf } from "./thumbnails.js";

/** Samples with a longer side are resized to it; smaller ones are offered as they are. */
const SAMPLE_SIDE = 512;
/** The two programs of the page, below dist/src. */
const PROGRAMS = ["report/showcase/client/main.js", "report/showcase/client/worker.js"] as const;
/** Folder of the library's modules in that of the page. */
const MODULES = "poa";

/** An encoder to be tried. */
export interface ShownEncoder {
  readonly name: string;
  readonly encoder: Encoder;
  /** Share of test images whose neighbours vote for their class. Default: not known. */
  readonly knn?: number;
}

/** What a showcase is made of. */
export interface ShowcaseParts {
  readonly title: string;
  /** Below the title. */
  readonly subtitle: string;
  /** Encoders that take the same images. */
  readonly encoders: readonly ShownEncoder[];
  /** Images among which neighbours are sought. */
  readonly bank: ImageSource;
  /** Images that the page offers to be tried. */
  readonly samples: ImageSource;
}

export interface ShowcaseOptions {
  /** Of weights in the bundles. Default f32. */
  readonly dtype?: ExportDType;
  /** Side of the pictures of neighbours in pixels. Default: that of the images, from 24 to 64. */
  readonly thumbnailSide?: number;
  /** Stop at the first broken image instead of leaving it out. */
  readonly strict?: boolean;
  /** Told what is being done, and how much of it is done. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
  readonly onWarning?: (message: string) => void;
}

/** What was written. */
export interface ShowcaseSummary {
  readonly files: number;
  readonly bytes: number;
  readonly networks: number;
  readonly bank: number;
  readonly samples: number;
}

/**
 * Writes a folder that any server of static files turns into a page where the encoders are tried on images of one's own: bundles,
 * features and small pictures of the bank, samples, the modules of the library, `index.html`. The same parts give the same bytes.
 *
 * @param folder  is made if it is not there
 * @throws DataError if no image of the bank can be read
 * @throws NumericError for a feature that is not finite, or a weight beyond f16
 */
export async function writeShowcase(
  folder: string,
  parts: ShowcaseParts,
  options: ShowcaseOptions = {},
): Promise<ShowcaseSummary> {
  const out = new OutputFolder(folder);
  const { bank, encoders } = parts;
  const { thumbnailSide, onWarning, onProgress, strict } = options;
  const { indices, side, sheets } = await thumbnailsOf(bank, {
    ...{ side: thumbnailSide, strict, onWarning },
    onProgress: (done, total) => onProgress?.("pictures of the bank", done, total),
  });
  const readable = subset(bank, indices, bank.name);
  const content: ShowcaseContent = {
    networks: await writeNetworks(out, readable, encoders, options),
    bank: {
      count: indices.length,
      classes: bank.classes,
      labels: readable.labels && [...readable.labels],
      thumbnails: {
        ...{ side, perSide: PER_SIDE },
        sheets: sheets.map((sheet, i) => out.write(`bank/${numbered(i)}.png`, encodePng(sheet))),
      },
    },
    samples: await writeSamples(out, parts.samples, options),
  };
  for (const path of copyModules(join(folder, MODULES), PROGRAMS)) out.note(`${MODULES}/${path}`);
  const page = showcaseDocument({ ...parts, content, program: `${MODULES}/${PROGRAMS[0]}` });
  out.write("index.html", new TextEncoder().encode(page));
  const counts = { networks: content.networks.length, bank: indices.length, samples: content.samples.length };
  return { files: out.files, bytes: out.bytes, ...counts };
}

/** Bundles, and the features of the bank by what was read back from them. */
async function writeNetworks(
  out: OutputFolder,
  bank: ImageSource,
  encoders: readonly ShownEncoder[],
  { dtype = "f32", onProgress, onWarning }: ShowcaseOptions,
): Promise<ShowcaseNetwork[]> {
  const bundled = encoders.map(({ name, encoder, knn = null }) => {
    const dense = { ...encoder, backbone: encoder.backbone.materialize() };
    const bytes = encoderBundle(dense, { dtype });
    const size = sizeOfNetwork(dense.backbone, encoder.spec.imageSize);
    dense.backbone.dispose();
    const bundle = out.write(`networks/${name}.poa`, bytes);
    return { name, knn, size, bundle, bundleBytes: bytes.length, own: storedEncoder(unpackBundle(bytes, name), name) };
  });
  const { features } = await sharedFeatures(
    bank,
    bundled.map(({ own }) => own),
    { onProgress: (done, total) => onProgress?.("features of the bank", done, total), onWarning },
  );
  const networks = bundled.map(({ own, size, ...known }, i): ShowcaseNetwork => {
    const shape = [bank.length, own.backbone.featureDim];
    const bytes = writeSafetensors(new Map([[FEATURES, { dtype: "F32", shape, data: features[i] }]]));
    own.backbone.dispose();
    const { family, imageSize } = own.spec;
    const file = out.write(`networks/${known.name}.features.safetensors`, bytes);
    return { ...known, family, imageSize, ...size, features: file, featuresBytes: bytes.length };
  });
  return networks.sort((a, b) => a.params - b.params);
}

async function writeSamples(
  out: OutputFolder,
  source: ImageSource,
  { strict, onWarning }: ShowcaseOptions,
): Promise<ShowcaseSample[]> {
  const samples: ShowcaseSample[] = [];
  for (let index = 0; index < source.length; index++) {
    try {
      const image = await source.read(index);
      const large = Math.max(image.width, image.height) > SAMPLE_SIDE;
      const png = encodePng(large ? fittedImage(image, SAMPLE_SIDE) : image);
      const label = source.labels && source.classes[source.labels[index]];
      samples.push({ file: out.write(`samples/${numbered(samples.length)}.png`, png), label });
    } catch (error) {
      if (!(error instanceof DataError) || strict) throw error;
      onWarning?.(`${error.message} Left out.`);
    }
  }
  return samples;
}

/** Counts what is written below a folder. */
class OutputFolder {
  files = 0;
  bytes = 0;
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** @returns the path below the folder, which is its address in the page */
  write(path: string, bytes: Uint8Array): string {
    const file = join(this.path, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    this.files++;
    this.bytes += bytes.length;
    return path;
  }

  /** Counts a file that is there. */
  note(path: string): void {
    this.files++;
    this.bytes += statSync(join(this.path, path)).size;
  }
}

const numbered = (index: number) => String(index).padStart(3, "0");
