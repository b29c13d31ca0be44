import { existsSync } from "node:fs";
import type { ImageSource } from "../data/dataset.js";
import { classCount } from "../data/mask-meaning.js";
import type { MaskPairs } from "../data/segmentation.js";
import { ConfigError, DataError } from "../errors.js";
import { otsuForeground } from "../eval/segmentation/otsu.js";
import {
  countPixels,
  type PixelCounts,
  type SegmentationScores,
  segmentationScores,
} from "../eval/segmentation/pixel-counts.js";
import { type SegmentedImage, segmentImages } from "../eval/segmentation/segment-images.js";
import { buildSegmenter, type HeadSpec, type Segmenter } from "../eval/segmentation/segmenter.js";
import { trainSegmenter } from "../eval/segmentation/train-segmenter.js";
import { readSegmenter, type SegmenterSettings } from "../export/segmenter-file.js";
import { type Encoder, trainableCopy } from "../models/encoder.js";
import { mapShapes } from "../models/feature-maps.js";
import type { Call } from "./command.js";
import { numberWithin, positiveNumber } from "./numbers.js";
import { formatDuration, type Output } from "./output.js";
import { labelledImages, maskMeaning, openTrainPairs } from "./segmentation-data.js";

/** Largest side of a crop where none is given: what published segmentations take. */
const LARGEST_CROP = 512;
/** Images in a preview. */
const PREVIEWED = 6;
/** Losses that the progress line averages. */
const RECENT = 20;

/** A segmenter at hand, and how it is used. */
export interface SegmentationTask {
  readonly segmenter: Segmenter;
  readonly settings: SegmenterSettings;
  /** Whether its backbone is another than that of the model. */
  readonly tuned: boolean;
  /** What the head is to be trained on; null for one that comes from a file. */
  readonly train: MaskPairs | null;
}

/**
 * The segmenter that `--head` asks for: a new one, or one from a file.
 *
 * @throws ConfigError, DataError, FormatError
 */
export async function openTask(call: Call, output: Output, encoder: Encoder): Promise<SegmentationTask> {
  const head = call.required("head");
  if (head !== "linear" && head !== "upernet") {
    if (!existsSync(head))
      throw new ConfigError(
        `eval segment: --head is ${JSON.stringify(head)}, expected linear, upernet or the file of a head.`,
      );
    const { segmenter, settings } = readSegmenter(head, encoder);
    const { size = settings.size, crop = settings.crop } = sizesOf(call);
    expectWholePatches(encoder, crop);
    return { segmenter, settings: { ...settings, size, crop }, tuned: segmenter.encoder !== encoder, train: null };
  }
  const train = openTrainPairs(call);
  const meaning = await maskMeaning(call, output, train);
  const source = labelledImages(train, meaning, encoder.spec.channels);
  const tuned = call.flag("tune-backbone");
  const dropPathRate = numberWithin("eval segment", "drop-path", call.required("drop-path"), { below: 1 });
  const used = tuned ? { ...encoder, backbone: trainableCopy(encoder, { dropPathRate }) } : encoder;
  const channels = head === "upernet" ? (call.integer("channels", 1) as number) : 0;
  const spec: HeadSpec = { kind: head, classes: classCount(meaning), channels };
  const segmenter = buildSegmenter(used, spec, call.integer("seed"));
  const settings = { ...(await fullSizes(call, source, mapShapes(encoder.backbone)[0].stride)), meaning };
  expectWholePatches(encoder, settings.crop);
  return { segmenter, settings, tuned, train };
}

function sizesOf(call: Call): { size: number | undefined; crop: number | undefined } {
  return { size: call.integer("size", 1), crop: call.integer("crop", 1) };
}

/**
 * Size and crop where they are not given: the short side of the first image that can be read; that size, at most 512 and in whole
 * cells of the finest map.
 */
async function fullSizes(call: Call, source: ImageSource, cell: number): Promise<{ size: number; crop: number }> {
  const given = sizesOf(call);
  const size = given.size ?? (await shortSide(source));
  const crop = given.crop ?? Math.max(1, Math.floor(Math.min(size, LARGEST_CROP) / cell)) * cell;
  return { size, crop };
}

/** @throws ConfigError for a crop that a transformer cannot cut into patches */
function expectWholePatches({ spec }: Encoder, crop: number): void {
  if (spec.family === "resnet" || crop % spec.patchSize === 0) return;
  throw new ConfigError(
    `eval segment: --crop is ${crop}, expected a multiple of the encoder's patches of ${spec.patchSize} pixels.`,
  );
}

/** Of the first image that can be read. @throws DataError if none can */
async function shortSide(source: ImageSource): Promise<number> {
  let broken: unknown = null;
  for (let i = 0; i < source.length; i++) {
    try {
      const { width, height } = await source.read(i);
      return Math.min(width, height);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      broken ??= error;
    }
  }
  throw broken;
}

/** Trains a task's head, with events and progress, unless it comes from a file. @returns the number of steps */
export async function trainTask(
  call: Call,
  output: Output,
  { segmenter, settings, tuned, train }: SegmentationTask,
): Promise<number> {
  if (!train) return 0;
  const source = labelledImages(train, settings.meaning, segmenter.encoder.spec.channels);
  const batchSize = Math.min(call.integer("batch", 1) as number, source.length);
  const epochs = call.integer("epochs", 1) as number;
  const iterations = call.integer("iterations", 1) ?? epochs * Math.floor(source.length / batchSize);
  const started = performance.now();
  const recent: number[] = [];
  await trainSegmenter(segmenter, source, {
    ...settings,
    ...{ iterations, batchSize, seed: call.integer("seed"), strict: call.flag("strict") },
    lr: positive(call, "lr") ?? (tuned ? 5e-4 : 5e-3),
    layerDecay: positive(call, "layer-decay"),
    onStep: ({ iteration, loss, lr }) => {
      output.event("step", { iteration, loss, lr });
      recent.push(loss);
      if (recent.length > RECENT) recent.shift();
      const done = iteration + 1;
      const line = () => {
        const eta = (((performance.now() - started) / done) * (iterations - done)) / 1000;
        const mean = recent.reduce((sum, value) => sum + value, 0) / recent.length;
        return `[${done}/${iterations}] eta ${formatDuration(eta)}  loss ${loss.toFixed(4)} (${mean.toFixed(4)})  lr ${lr.toExponential(2)}`;
      };
      output.progress(line, { final: done === iterations });
    },
    onWarning: (message) => output.warn(message),
  });
  return iterations;
}

/** @throws ConfigError unless a number above 0 */
function positive(call: Call, name: string): number | undefined {
  const given = call.text(name);
  return given === undefined ? undefined : positiveNumber("eval segment", name, given);
}

/** What a task is worth on its test images. */
export interface TaskScores {
  readonly count: number;
  readonly scores: SegmentationScores;
  /** [classes · classes], row by true class. */
  readonly confusion: Float64Array;
  /** Of Otsu's threshold, if it was asked for. */
  readonly otsu: SegmentationScores | null;
  /** Some images, evenly spaced. */
  readonly shown: readonly SegmentedImage[];
}

/** Segments the test images and compares with their masks. @throws ConfigError for baselines of more than two classes */
export async function scoreTask(
  call: Call,
  output: Output,
  { segmenter, settings, test }: SegmentationTask & { test: MaskPairs },
): Promise<TaskScores> {
  const { classes } = segmenter.spec;
  const source = labelledImages(test, settings.meaning, segmenter.encoder.spec.channels);
  const confusion = new Float64Array(classes * classes);
  const [own, otsu]: [PixelCounts[], PixelCounts[]] = [[], []];
  const shown: SegmentedImage[] = [];
  const every = Math.max(1, Math.floor(source.length / PREVIEWED));
  const options = { ...settings, strict: call.flag("strict"), onWarning: (message: string) => output.warn(message) };
  const started = performance.now();
  for await (const segmented of segmentImages(segmenter, source, options)) {
    const { image, labels, predicted } = segmented;
    own.push(countPixels(labels, predicted, confusion));
    if (call.flag("baselines")) otsu.push(countPixels(labels, otsuForeground(image), new Float64Array(4)));
    if (segmented.index % every === 0 && shown.length < PREVIEWED) shown.push(segmented);
    const eta = (((performance.now() - started) / own.length) * (source.length - own.length)) / 1000;
    output.progress(() => `test: ${own.length}/${source.length} images  eta ${formatDuration(eta)}`, {
      final: own.length === source.length,
    });
  }
  const bootstrap = { seed: call.integer("seed") };
  return {
    ...{ count: own.length, scores: segmentationScores(own, bootstrap), confusion, shown },
    otsu: otsu.length > 0 ? segmentationScores(otsu, bootstrap) : null,
  };
}
