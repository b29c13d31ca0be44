import { Detector } from "../eval/detection/detector.js";
import type { Encoder } from "../models/encoder.js";
import { unfilled } from "../tensor/create.js";
import { Rng } from "../tensor/random.js";
import { type HeadKind, isWhole, readHead, type StoredTaskHead, unusable, writeHead } from "./head-file.js";

const KIND: HeadKind = { key: "poa.detector", name: "detector", verb: "eval detect" };

/** Parts of a detector that are written beside a tuned backbone. */
const PARTS = ["pyramid", "head"] as const;

/** A detector and what its classes are called. */
export interface LabelledDetector {
  readonly detector: Detector;
  readonly classes: readonly string[];
}

/**
 * Writes pyramid and head of a detector as a safetensors file; with them the backbone if it was tuned, so that the file is also that
 * of an encoder.
 *
 * @throws ResourceError if the disk is full
 */
export function writeDetector(path: string, { detector, classes }: LabelledDetector): void {
  const { backbone, spec, tuned, shortSide } = detector;
  const { width, depth } = detector.head;
  writeHead(path, KIND, {
    ...{ encoder: { backbone, spec }, tuned },
    tensors: PARTS.flatMap((part) => detector[part].namedTensors(`${part}.`)),
    fields: { classes, shortSide, width, towerDepth: depth },
  });
}

/**
 * Reads a detector, frozen.
 *
 * @param encoder  whose maps it reads; a file with a tuned backbone brings its own
 * @throws DataError if the file is not there; FormatError if it is damaged, holds no detector, or one for another encoder
 */
export function readDetector(path: string, encoder: Encoder): LabelledDetector {
  return readHead(path, KIND, encoder, ({ fields, tensors, encoder: used }) => {
    const { classes, ...options } = parsed(path, fields);
    const detector = unfilled(() => new Detector(used, { ...options, classes: classes.length, rng: new Rng(0) }));
    for (const part of PARTS) {
      const named = [...tensors].filter(([name]) => name.startsWith(`${part}.`));
      detector[part].loadStateDict(new Map(named.map(([name, x]) => [name.slice(part.length + 1), x])));
    }
    detector.requireGrad(false);
    return { detector, classes };
  });
}

function parsed(path: string, { classes, shortSide, width, towerDepth }: StoredTaskHead["fields"]) {
  const named = Array.isArray(classes) && classes.length > 0 && classes.every((name) => typeof name === "string");
  if (!named || !isWhole(shortSide, 1) || !isWhole(width, 8) || !isWhole(towerDepth, 0)) throw unusable(path, KIND);
  const [side, channels, depth] = [shortSide, width, towerDepth] as number[];
  return { classes: classes as string[], shortSide: side, width: channels, towerDepth: depth };
}
