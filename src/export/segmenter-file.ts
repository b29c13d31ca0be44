import type { MaskMeaning } from "../data/mask-meaning.js";
import { buildSegmenter, type HeadSpec, type Segmenter } from "../eval/segmentation/segmenter.js";
import type { Encoder } from "../models/encoder.js";
import { type HeadKind, isWhole, readHead, type StoredTaskHead, unusable, writeHead } from "./head-file.js";

const KIND: HeadKind = { key: "poa.segmenter", name: "segmentation head", verb: "eval segment" };

const HEAD = "head.";

/** How a head was trained, which is how it has to be used. */
export interface SegmenterSettings {
  /** Short side that images are brought to, and side of the windows, in pixels. */
  readonly size: number;
  readonly crop: number;
  /** What the numbers of masks stood for. */
  readonly meaning: MaskMeaning;
}

/**
 * Writes the head of a segmenter as a safetensors file; with it the backbone if it was tuned, so that the file is also that of an
 * encoder.
 *
 * @param options.backbone  whether the backbone goes along
 * @throws ResourceError if the disk is full
 */
export function writeSegmenter(
  path: string,
  { encoder, spec, head }: Segmenter,
  { backbone, ...settings }: SegmenterSettings & { backbone: boolean },
): void {
  writeHead(path, KIND, {
    ...{ encoder, tuned: backbone },
    ...{ tensors: head.namedTensors(HEAD), fields: { ...spec, ...settings } },
  });
}

/**
 * Reads a segmenter.
 *
 * @param encoder  whose maps the head reads; a file with a tuned backbone brings its own
 * @throws DataError if the file is not there; FormatError if it is damaged, holds no such head, or one for another encoder
 */
export function readSegmenter(path: string, encoder: Encoder): { segmenter: Segmenter; settings: SegmenterSettings } {
  return readHead(path, KIND, encoder, ({ fields, tensors, encoder: used }) => {
    const { spec, settings } = parsed(path, fields);
    const segmenter = buildSegmenter(used, spec);
    const named = [...tensors].filter(([name]) => name.startsWith(HEAD));
    segmenter.head.loadStateDict(new Map(named.map(([name, x]) => [name.slice(HEAD.length), x])));
    segmenter.head.requireGrad(false);
    return { segmenter, settings };
  });
}

function parsed(path: string, fields: StoredTaskHead["fields"]): { spec: HeadSpec; settings: SegmenterSettings } {
  const { kind, classes, channels, size, crop, meaning } = fields;
  const meant = Object(meaning).kind;
  const valid =
    (kind === "linear" || kind === "upernet") &&
    isWhole(classes, 2) &&
    Number(classes) <= 255 &&
    isWhole(channels, kind === "linear" ? 0 : 1) &&
    isWhole(size, 1) &&
    isWhole(crop, 1) &&
    (meant === "foreground" ? classes === 2 : meant === "classes" && Object(meaning).classes === classes);
  if (!valid) throw unusable(path, KIND);
  const spec = { kind, classes, channels } as HeadSpec;
  return { spec, settings: { size, crop, meaning } as SegmenterSettings };
}
