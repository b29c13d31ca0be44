import { readFileSync, writeFileSync } from "node:fs";
import type { MaskMeaning } from "../data/mask-meaning.js";
import { DataError, FormatError, ShapeError } from "../errors.js";
import { buildSegmenter, type HeadSpec, type Segmenter } from "../eval/segmentation/segmenter.js";
import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "../formats/safetensors.js";
import { buildEncoder, type Encoder } from "../models/encoder.js";
import { encoderMetadata, parseSpec, SPEC_KEY } from "./encoder-metadata.js";

/** Where a file's metadata holds what its head is, a JSON text. */
const HEAD_KEY = "poa.segmenter";

const HEAD = "head.";
const BACKBONE = "backbone.";

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
 * @returns the size in bytes
 */
export function writeSegmenter(
  path: string,
  { encoder, spec, head }: Segmenter,
  { backbone, ...settings }: SegmenterSettings & { backbone: boolean },
): number {
  const named = [
    ...[...head.stateDict()].map(([name, x]) => [HEAD + name, x] as const),
    ...(backbone ? [...encoder.backbone.stateDict()].map(([name, x]) => [BACKBONE + name, x] as const) : []),
  ];
  const tensors = new Map<string, StoredTensor>(
    named.map(([name, x]) => [name, { dtype: "F32", shape: x.shape, data: x.toArray() as Float32Array }]),
  );
  const metadata = backbone ? encoderMetadata(encoder.spec) : new Map([["format", "pt"]]);
  metadata.set(HEAD_KEY, JSON.stringify({ ...spec, ...settings }));
  const bytes = writeSafetensors(tensors, metadata);
  writeFileSync(path, bytes);
  return bytes.length;
}

/**
 * Reads a segmenter.
 *
 * @param encoder  whose maps the head reads; a file with a tuned backbone brings its own
 * @throws DataError if the file is not there; FormatError if it is damaged, holds no such head, or one for another encoder
 */
export function readSegmenter(path: string, encoder: Encoder): { segmenter: Segmenter; settings: SegmenterSettings } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const { tensors, metadata } = readSafetensors(bytes, path);
  const { spec, settings } = parseHead(path, metadata.get(HEAD_KEY));
  try {
    const own = part(tensors, BACKBONE);
    const used = own.size > 0 ? buildEncoder(parseSpec(path, metadata.get(SPEC_KEY)), own) : encoder;
    const segmenter = buildSegmenter(used, spec);
    segmenter.head.loadStateDict(part(tensors, HEAD));
    segmenter.head.requireGrad(false);
    return { segmenter, settings };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new FormatError(`${path}: its head does not fit this encoder. ${error.message}`, { cause: error });
  }
}

/** The tensors whose names begin with a prefix, without it. */
function part(tensors: ReadonlyMap<string, StoredTensor>, prefix: string) {
  const own = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(own.map(([name, x]) => [name.slice(prefix.length), { shape: x.shape, data: toFloat32(x) }]));
}

const LARGEST_SIZE = 65536;
const whole = (value: unknown, least: number) =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= LARGEST_SIZE;

function parseHead(path: string, text: string | undefined): { spec: HeadSpec; settings: SegmenterSettings } {
  if (text === undefined) {
    throw new FormatError(
      `${path} holds no segmentation head. Name a file that \`poa eval segment --out\` has written.`,
    );
  }
  let fields: Record<string, unknown>;
  try {
    fields = Object(JSON.parse(text));
  } catch (error) {
    throw new FormatError(`${path}: ${HEAD_KEY} is not JSON (${(error as Error).message}).`, { cause: error });
  }
  const { kind, classes, channels, size, crop, meaning } = fields;
  const meant = Object(meaning).kind;
  const valid =
    (kind === "linear" || kind === "upernet") &&
    whole(classes, 2) &&
    Number(classes) <= 255 &&
    whole(channels, kind === "linear" ? 0 : 1) &&
    whole(size, 1) &&
    whole(crop, 1) &&
    (meant === "foreground" ? classes === 2 : meant === "classes" && Object(meaning).classes === classes);
  if (!valid) throw new FormatError(`${path}: ${HEAD_KEY} cannot be used. Write the head again.`);
  const spec = { kind, classes, channels } as HeadSpec;
  return { spec, settings: { size, crop, meaning } as SegmenterSettings };
}
