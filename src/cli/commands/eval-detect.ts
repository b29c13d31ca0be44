import { writeFileSync } from "node:fs";
import { toChannels } from "../../data/channels.js";
import type { DetectionSource } from "../../data/detection.js";
import { openDetectionPair } from "../../data/detection-spec.js";
import { encodePng } from "../../data/encode-png.js";
import { ConfigError, DataError } from "../../errors.js";
import { type DetectedImage, detectObjects } from "../../eval/detection/detect.js";
import type { Detector } from "../../eval/detection/detector.js";
import { type DetectionFigures, detectionFigures } from "../../eval/detection/figures.js";
import { boxSheet, CLASS_COLORS } from "../../eval/detection/picture.js";
import { type DetectorStep, type DetectorTrainingOptions, trainDetector } from "../../eval/detection/train.js";
import { readDetector, writeDetector } from "../../export/detector-file.js";
import type { Encoder } from "../../models/encoder.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { netOption, strictOption, tuneBackboneOption } from "../common-options.js";
import { openModel } from "../model.js";
import { type NumberRange, numberWithin } from "../numbers.js";
import { formatDuration, formatTable, type Output } from "../output.js";
import { expectWritable } from "../output-file.js";

/** Steps over which the progress line averages. */
const RECENT = 20;
const PREVIEW_IMAGES = 6;
const PREVIEW_COLUMNS = 3;
/** Boxes below this score are left out of the picture. */
const PREVIEW_SCORE = 0.5;

export const evalDetect: Command = {
  name: "eval detect",
  summary: "average precision of a detector trained on an encoder's features",
  operands: ["MODEL"],
  options: {
    data: { value: "SPEC", about: "voc:DIR or coco:FILE.json; of voc:DIR, trainval is learned and test is tested" },
    test: { value: "SPEC", about: "the images of the test, if they stand elsewhere" },
    images: { value: "DIR", about: "images that coco:FILE.json names (default the file's folder)" },
    "test-images": { value: "DIR", about: "the same for --test (default --images)" },
    net: netOption,
    size: { value: "PIXELS", about: "short side of the images (default: the stored size, at most 480)" },
    scales: { value: "A,B", about: "training images have short sides of A to B times that", fallback: "0.6,1" },
    crop: { value: "P", about: "probability that a training image is cut", fallback: "0.5" },
    flip: { value: "P", about: "probability that a training image is mirrored", fallback: "0.5" },
    iterations: { value: "N", about: "steps of the training (default 36 passes over the images)" },
    batch: { value: "N", about: "images of a step", fallback: "8" },
    lr: { value: "RATE", about: "learning rate (default 1e-3, with --tune-backbone 3e-4)" },
    "weight-decay": { value: "X", about: "weight decay", fallback: "0.05" },
    "box-weight": { value: "X", about: "factor of the GIoU loss", fallback: "2" },
    width: { value: "N", about: "channels of pyramid and head (default the encoder's, 64 to 256)" },
    tower: { value: "N", about: "convolutions of each tower of the head", fallback: "4" },
    "tune-backbone": tuneBackboneOption,
    "layer-decay": { value: "X", about: "with it: learning rate of a layer by that of the one above", fallback: "0.7" },
    "drop-path": { value: "X", about: "with it: stochastic depth of a transformer's last block", fallback: "0.1" },
    seed: { value: "N", about: "of weights, order and augmentation", fallback: "0" },
    head: { value: "FILE", about: "test a detector that --out wrote, instead of training one" },
    out: { value: "FILE", about: "save the detector (.safetensors), with it a tuned encoder" },
    detections: { value: "FILE.json", about: "write the detections as COCO's results" },
    preview: { value: "FILE.png", about: `draw the boxes on the first ${PREVIEW_IMAGES} images of the test` },
    strict: strictOption,
  },
  examples: [
    "poa eval detect runs/photos --data voc:VOCdevkit/VOC2007 --preview boxes.png",
    "poa eval detect vit-small.safetensors --data coco:train.json --test coco:val.json --images photos --json",
    "poa eval detect runs/photos --data voc:VOCdevkit/VOC2007 --head detector.safetensors --detections found.json",
  ],
  async run(call, output) {
    const seed = call.integer("seed")!;
    expectFiles(call);
    const settings = trainingSettings(call);
    const { train, test } = openSources(call, output);
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const started = performance.now();
    const onWarning = (message: string) => output.warn(message);
    const detector =
      storedDetector(call, encoder, test.classes) ??
      (await trainDetector(train, encoder, {
        ...{ ...settings, seed, onWarning },
        shortSide: call.integer("size", 32) ?? (await usualSize(train)),
        onStep: stepReporter(output),
      }));
    const { shortSide } = detector;
    const trainImages = call.text("head") === undefined ? train.length : 0;
    const out = call.text("out");
    if (out !== undefined) writeDetector(out, { detector, classes: test.classes });
    const onProgress = (done: number, total: number) =>
      output.progress(() => `detecting: ${done}/${total} images`, { final: done === total });
    const found = await detectObjects(test, detector, { strict: settings.strict, onProgress, onWarning });
    detector.dispose();
    const figures = detectionFigures(found, test.classes, { seed });
    const seconds = (performance.now() - started) / 1000;
    const files = await writeFiles(call, output, { test, found });
    output.result(
      {
        network,
        ...figures,
        images: found.length,
        ...{ trainImages, size: shortSide, seed, seconds },
        ...(out !== undefined && { file: out }),
        ...files,
      },
      [
        `network ${network}, ${trainImages} images learned, ${found.length} tested, ${formatDuration(seconds)}`,
        figuresText(figures),
      ].join("\n"),
    );
    return 0;
  },
};

/** @throws ConfigError for files that cannot be written, or to which nothing would be */
function expectFiles(call: Call): void {
  for (const option of ["out", "detections", "preview"]) {
    const path = call.text(option);
    if (path !== undefined) expectWritable(`--${option}`, path);
  }
  if (/\.json$/i.test(call.text("out") ?? ""))
    throw new ConfigError(
      "eval detect: --out saves the detector (.safetensors); --detections FILE.json what it finds.",
    );
  if (call.text("head") !== undefined && (call.text("out") ?? call.text("size")) !== undefined)
    throw new ConfigError(
      "eval detect: --head trains nothing and brings its size, so --out and --size do not go with it.",
    );
}

/** The detector of `--head`; null without one. @throws DataError if it is for other classes, else as `readDetector` */
function storedDetector(call: Call, encoder: Encoder, classes: readonly string[]): Detector | null {
  const path = call.text("head");
  if (path === undefined) return null;
  const stored = readDetector(path, encoder);
  if (stored.classes.join("\n") === classes.join("\n")) return stored.detector;
  throw new DataError(`${path} finds ${stored.classes.join(", ")}, the images have ${classes.join(", ")}.`);
}

function openSources(call: Call, output: Output) {
  const [data, test] = [call.required("data"), call.text("test")];
  const [images, testImages] = [call.text("images"), call.text("test-images")];
  if ((images ?? testImages) !== undefined && ![data, test].some((spec) => spec?.startsWith("coco:"))) {
    throw new ConfigError("eval detect: --images goes with coco:FILE.json; a VOC folder holds its images.");
  }
  const onNote = (note: string) => output.note(note);
  return openDetectionPair(
    { data, test },
    { train: { images, onNote }, test: { images: testImages ?? images, onNote } },
  );
}

type Settings = Omit<DetectorTrainingOptions, "shortSide">;

function trainingSettings(call: Call): Settings {
  return {
    iterations: call.integer("iterations", 1),
    batchSize: call.integer("batch", 1),
    lr: call.text("lr") === undefined ? undefined : number(call, "lr", { above: 0 }),
    weightDecay: number(call, "weight-decay", {}),
    boxWeight: number(call, "box-weight", {}),
    layerDecay: number(call, "layer-decay", { above: 0, most: 1 }),
    dropPathRate: number(call, "drop-path", { below: 1 }),
    cropProbability: number(call, "crop", { most: 1 }),
    flipProbability: number(call, "flip", { most: 1 }),
    scales: scalesOf(call),
    width: call.integer("width", 8),
    towerDepth: call.integer("tower", 0),
    tuneBackbone: call.flag("tune-backbone"),
    strict: call.flag("strict"),
  };
}

/** @throws ConfigError for a number outside the range */
const number = (call: Call, name: string, range: NumberRange) =>
  numberWithin("eval detect", name, call.required(name), range);

function scalesOf(call: Call): readonly [number, number] {
  const text = call.required("scales");
  const [low, high, ...rest] = text.split(",").map(Number);
  if (rest.length === 0 && low > 0 && low <= high && high <= 8) return [low, high];
  throw new ConfigError(`eval detect: --scales is ${JSON.stringify(text)}, expected two rising numbers such as 0.6,1.`);
}

/** The short side of the first readable image, at most 480 pixels: the short sides of spec §7.5 begin there. */
async function usualSize(source: DetectionSource): Promise<number> {
  for (let index = 0; index < source.length; index++) {
    try {
      const { width, height } = await source.read(index);
      return Math.min(width, height, 480);
    } catch {} // told when the image's turn comes
  }
  return 480; // then there is none, and the training says so
}

/** An event and a progress line per step. */
function stepReporter(output: Output): (report: DetectorStep) => void {
  const times: number[] = [performance.now()];
  return (report) => {
    const { iteration, iterations, loss, classLoss, boxLoss, centrenessLoss, lr } = report;
    times.push(performance.now());
    if (times.length > RECENT + 1) times.shift();
    output.event("step", { ...report });
    const secondsPerStep = (times[times.length - 1] - times[0]) / 1000 / (times.length - 1);
    output.progress(
      () =>
        `[${iteration}/${iterations}] eta ${formatDuration(secondsPerStep * (iterations - iteration))}  loss ${loss.toFixed(3)} ` +
        `(classes ${classLoss.toFixed(3)}, boxes ${boxLoss.toFixed(3)}, centreness ${centrenessLoss.toFixed(3)})  ` +
        `lr ${lr.toExponential(1)}`,
      { final: iteration === iterations },
    );
  };
}

function figuresText({ perClass, interval, ...all }: DetectionFigures): string {
  const shown = (value: number | null) => (value === null ? "-" : value.toFixed(4));
  const rows = Object.entries(perClass).map(([name, { ap, ap50, ap75, voc50, objects }]) => [
    name,
    ...[ap, ap50, ap75, voc50].map(shown),
    String(objects),
  ]);
  const objects = Object.values(perClass).reduce((sum, each) => sum + each.objects, 0);
  return [
    formatTable([
      ["class", "AP", "AP50", "AP75", "VOC AP50", "objects"],
      ...rows,
      ["all", ...[all.ap, all.ap50, all.ap75, all.voc50].map(shown), String(objects)],
    ]),
    `AP ${shown(all.ap)}, 95 % between ${interval.low.toFixed(4)} and ${interval.high.toFixed(4)} over images; ` +
      `small ${shown(all.apSmall)}, medium ${shown(all.apMedium)}, large ${shown(all.apLarge)}; AR100 ${shown(all.ar100)}`,
  ].join("\n");
}

/** Writes what was asked for and returns the names of the files. */
async function writeFiles(
  call: Call,
  output: Output,
  { test, found }: { test: DetectionSource; found: readonly DetectedImage[] },
): Promise<{ detections?: string; preview?: string }> {
  const [detections, preview] = [call.text("detections"), call.text("preview")];
  if (detections !== undefined) writeFileSync(detections, `${JSON.stringify(cocoResults(test, found))}\n`);
  if (preview !== undefined) {
    writeFileSync(preview, encodePng(await picture(test, found)));
    const colors = test.classes.map((name, label) => `${name} ${CLASS_COLORS[label % CLASS_COLORS.length][0]}`);
    output.note(`${preview}: ${colors.join(", ")}; what is there in thin white`);
  }
  return { ...(detections !== undefined && { detections }), ...(preview !== undefined && { preview }) };
}

/** Detections as COCO's tools read them. */
function cocoResults(source: DetectionSource, found: readonly DetectedImage[]) {
  return found.flatMap(({ index, detections }) =>
    detections.map(({ box: [left, top, right, bottom], label, score }) => ({
      image_id: source.imageId(index),
      category_id: source.categoryId(label),
      bbox: [left, top, right - left, bottom - top],
      score,
    })),
  );
}

async function picture(source: DetectionSource, found: readonly DetectedImage[]) {
  const images = await Promise.all(
    found.slice(0, PREVIEW_IMAGES).map(async ({ index, objects, detections }) => ({
      image: toChannels(await source.read(index), 3),
      truth: objects.map(({ box }) => box),
      found: detections.filter(({ score }) => score >= PREVIEW_SCORE),
    })),
  );
  return boxSheet(images, PREVIEW_COLUMNS);
}
