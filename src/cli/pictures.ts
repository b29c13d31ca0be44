import { statSync, writeFileSync } from "node:fs";
import { type ImageSource, type RawImage, subset } from "../data/dataset.js";
import { encodePng } from "../data/encode-png.js";
import { imageFiles } from "../data/image-files.js";
import { openSource } from "../data/source-spec.js";
import { ConfigError, DataError } from "../errors.js";
import type { Encoder } from "../models/encoder.js";
import type { Picture } from "../report/pictures/picture.js";
import { init } from "../runtime/context.js";
import type { Call, Option } from "./command.js";
import { netOption, strictOption } from "./common-options.js";
import { openModel } from "./model.js";
import type { Output } from "./output.js";
import { expectWritable } from "./output-file.js";

/** Images that are shown of a source unless --count says otherwise. */
const USUAL_COUNT = 8;

/** Options of the verbs that show what an encoder makes of images. */
export const pictureOptions = {
  images: { value: "SPEC|FILE...", about: "images to show: a data spec, or files one behind the other" },
  out: { value: "FILE.png", about: "the picture" },
  count: { value: "N", about: `images of a spec that are shown, spread evenly over it (default ${USUAL_COUNT})` },
  tile: { value: "N", about: "side of each small picture in pixels" },
  net: netOption,
  strict: strictOption,
} as const satisfies Readonly<Record<string, Option>>;

/** `--resolution`, of verbs whose encoder may see images larger than in its training. */
export const resolutionOption: Option = {
  value: "N",
  about: "side in pixels at which the encoder sees the images (default that of its training)",
};

/** Looks whether `--out` can be written, before long work begins. @throws ConfigError if not, or if it is no .png */
export function pictureFile(call: Call): string {
  const out = call.required("out");
  if (!/\.png$/i.test(out))
    throw new ConfigError(`--out ${out}: pictures are written as PNG. Name a file that ends in .png.`);
  expectWritable("--out", out);
  return out;
}

/** How a picture is to be drawn, and how large the encoder sees the images. */
export interface DrawingOptions {
  readonly side: number | undefined;
  readonly resolution: number | undefined;
}

/** What a verb does that draws what MODEL makes of the images of `--images`, one by one. */
export async function drawImages(
  verb: string,
  call: Call,
  output: Output,
  draw: (encoder: Encoder, images: readonly RawImage[], options: DrawingOptions) => Picture,
): Promise<void> {
  const out = pictureFile(call);
  const [side, resolution] = [call.integer("tile", 16), call.integer("resolution", 1)];
  const shown = shownOf(await openImages(verb, call), call);
  await init({ threads: call.threads, simd: call.simd });
  const { encoder, network } = await openModel(call.operands[0], call.text("net"));
  const images = await readImages(shown, call, output);
  savePicture(out, draw(encoder, images, { side, resolution }), output, { network, images: images.length });
}

/** Writes a picture and tells so. */
export function savePicture(
  out: string,
  { image, caption }: Picture,
  output: Output,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  writeFileSync(out, encodePng(image));
  const { width, height } = image;
  output.result({ file: out, ...fields, width, height, caption }, `${out}: ${width} × ${height} pixels\n${caption}`);
}

/**
 * The images of `--images`: of a data spec, or the files that are named, of which all but the first stand among the operands.
 *
 * @throws DataError if they are not there
 */
export async function openImages(verb: string, call: Call): Promise<ImageSource> {
  const words = [call.required("images"), ...call.operands.slice(1)];
  if (words.length === 1 && !isFile(words[0])) return openSource(words[0]);
  const other = words.find((word) => !isFile(word));
  if (other !== undefined) {
    throw new DataError(`${verb}: ${other} is not a file. --images takes one data spec, or files and nothing else.`);
  }
  return imageFiles(words);
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** As many images as `--count` says, spread evenly over a source; of files that were named, all. */
export function shownOf(source: ImageSource, call: Call): ImageSource {
  const wanted = call.integer("count", 1) ?? (isFile(call.required("images")) ? source.length : USUAL_COUNT);
  const count = Math.min(wanted, source.length);
  const indices = Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * source.length) / count));
  return subset(source, indices, source.name);
}

/**
 * All images of a source; broken ones are left out with a warning, or end it with `--strict`.
 *
 * @throws DataError if none can be read
 */
async function readImages(source: ImageSource, call: Call, output: Output): Promise<RawImage[]> {
  const images: RawImage[] = [];
  for (let index = 0; index < source.length; index++) {
    try {
      images.push(await source.read(index));
    } catch (error) {
      if (!(error instanceof DataError) || call.flag("strict")) throw error;
      output.warn(`${error.message} Left out.`);
    }
  }
  if (images.length === 0) throw new DataError(`none of the ${source.length} images of ${source.name} can be read.`);
  return images;
}
