import { writeFileSync } from "node:fs";
import { encodePng } from "../../data/encode-png.js";
import { classCount } from "../../data/mask-meaning.js";
import { ConfigError } from "../../errors.js";
import type { SegmentationScores } from "../../eval/segmentation/pixel-counts.js";
import { segmentationPreview } from "../../eval/segmentation/preview.js";
import { writeSegmenter } from "../../export/segmenter-file.js";
import { init } from "../../runtime/context.js";
import type { Call, Command } from "../command.js";
import { iterationsOption, netOption, strictOption, tuneBackboneOption } from "../common-options.js";
import { openModel } from "../model.js";
import { formatTable } from "../output.js";
import { expectWritable } from "../output-file.js";
import { openTestPairs } from "../segmentation-data.js";
import { openTask, type SegmentationTask, scoreTask, type TaskScores, trainTask } from "../segmentation-task.js";

/** The confusion of more classes than this is left out of the result. */
const MOST_CONFUSED = 32;

export const evalSegment: Command = {
  name: "eval segment",
  summary: "mean IoU of a segmentation head on a frozen or tuned encoder",
  operands: ["MODEL"],
  options: {
    data: { value: "DIR", about: "images with masks: train/images, train/masks, and likewise val or test" },
    test: { value: "DIR", about: "the test images, if they stand elsewhere" },
    net: netOption,
    head: { value: "KIND|FILE", about: "linear or upernet, or a head that --out wrote", fallback: "linear" },
    channels: { value: "N", about: "channels within upernet; 256 in the published protocol", fallback: "64" },
    "tune-backbone": tuneBackboneOption,
    "layer-decay": {
      value: "X",
      about: "learning rate of a layer by that of the one above, when tuning",
      fallback: "0.8",
    },
    "drop-path": {
      value: "X",
      about: "stochastic depth of a transformer's last block, when tuning",
      fallback: "0.1",
    },
    size: { value: "N", about: "short side that images are brought to (default: that of the first image)" },
    crop: { value: "N", about: "side of training crops and test windows (default: size, at most 512)" },
    batch: { value: "N", about: "crops in a step", fallback: "8" },
    epochs: { value: "N", about: "passes over the training images", fallback: "40" },
    iterations: iterationsOption,
    lr: { value: "X", about: "peak learning rate (default 5e-3; with --tune-backbone 5e-4)" },
    seed: { value: "N", about: "of the head's start, the order and the crops", fallback: "0" },
    binary: { about: "all mask values above 0 are foreground" },
    classes: { value: "N", about: "mask values are classes 0 to N - 1; 255 does not count" },
    baselines: { about: "also Otsu's threshold, where there are two classes" },
    out: { value: "FILE", about: "save the head (.safetensors), with it a tuned encoder" },
    preview: { value: "FILE.png", about: "picture of some test images: as they are, true, predicted" },
    strict: strictOption,
  },
  examples: [
    "poa eval segment runs/cells --data nuclei --baselines --preview nuclei.png",
    "poa eval segment small.safetensors --data ade --classes 150 --head upernet --channels 256 --crop 512 --json",
    "poa eval segment runs/cells --data nuclei --head nuclei-head.safetensors",
  ],
  async run(call, output) {
    const started = performance.now();
    const files = filesOf(call);
    const test = openTestPairs(call);
    await init({ threads: call.threads, simd: call.simd });
    const { encoder, network } = await openModel(call.operands[0], call.text("net"));
    const task = await openTask(call, output, encoder);
    if (call.flag("baselines") && task.segmenter.spec.classes !== 2) {
      throw new ConfigError(
        `eval segment: --baselines tells foreground from background, but there are ${task.segmenter.spec.classes} classes.`,
      );
    }
    const iterations = await trainTask(call, output, task);
    if (files.file !== undefined)
      writeSegmenter(files.file, task.segmenter, { ...task.settings, backbone: task.tuned });
    const found = await scoreTask(call, output, { ...task, test });
    if (files.preview !== undefined) writeFileSync(files.preview, encodePng(segmentationPreview(found.shown)));
    const counts = { iterations, train: task.train?.pairs.length ?? 0, test: found.count };
    const seconds = (performance.now() - started) / 1000;
    output.result(
      { network, ...describe(task), ...counts, ...figures(found), seconds, ...files },
      summary(network, found),
    );
    return 0;
  },
};

/** The files that are written, once it is known that they can be. @throws ConfigError */
function filesOf(call: Call): { file?: string; preview?: string } {
  const [file, preview] = [call.text("out"), call.text("preview")];
  if (file !== undefined) expectWritable("--out", file);
  if (preview !== undefined) expectWritable("--preview", preview);
  return { ...(file !== undefined && { file }), ...(preview !== undefined && { preview }) };
}

function describe({ segmenter: { spec }, settings, tuned }: SegmentationTask) {
  const { size, crop, meaning } = settings;
  return { head: spec.kind, classes: classCount(meaning), masks: meaning.kind, tuned, size, crop };
}

function figures({ scores, otsu, confusion }: TaskScores): Record<string, unknown> {
  const classes = scores.iou.length;
  const rows = Array.from({ length: classes }, (_, c) => [...confusion.subarray(c * classes, (c + 1) * classes)]);
  return {
    ...fieldsOf(scores),
    ...(classes <= MOST_CONFUSED && { confusion: rows }),
    ...(otsu && { baselines: { otsu: fieldsOf(otsu) } }),
  };
}

/** NaN, the IoU of a class that does not occur, as null. */
function fieldsOf({ meanIou, iou, pixelAccuracy, interval, foreground }: SegmentationScores): Record<string, unknown> {
  const defined = iou.map((value) => (Number.isNaN(value) ? null : value));
  return { meanIou, interval, iou: defined, pixelAccuracy, ...(foreground && { foreground }) };
}

function summary(network: string, { scores, otsu }: TaskScores): string {
  const percent = (value: number) => (Number.isNaN(value) ? "-" : (100 * value).toFixed(1));
  const range = ({ low, high }: { low: number; high: number }) => `${percent(low)} to ${percent(high)}`;
  const row = (name: string, { meanIou, pixelAccuracy, interval, foreground }: SegmentationScores) => [
    ...[name, percent(meanIou), range(interval), percent(pixelAccuracy)],
    ...(foreground ? [percent(foreground.iou), percent(foreground.imageIou), range(foreground.interval)] : []),
  ];
  const heading = ["", "mean IoU", "95 %", "pixels right"];
  const table = formatTable([
    scores.foreground ? [...heading, "foreground IoU", "mean of images", "95 %"] : heading,
    row(`network ${network}`, scores),
    ...(otsu ? [row("Otsu's threshold", otsu)] : []),
  ]);
  if (scores.foreground) return table;
  return `${table}\n\nIoU by class: ${scores.iou.map((value, c) => `${c}: ${percent(value)}`).join(", ")}`;
}
