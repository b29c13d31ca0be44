import type { ImageSource } from "../data/dataset.js";
import { type MaskMeaning, surveyMasks } from "../data/mask-meaning.js";
import { memoryCache } from "../data/memory-cache.js";
import { type MaskPairs, openMaskPairs, readMask, segmentationSource, somePairs } from "../data/segmentation.js";
import { ConfigError } from "../errors.js";
import type { Call } from "./command.js";
import type { Output } from "./output.js";

/** Masks that are looked at to tell what their numbers mean. */
const SURVEYED = 200;
/** Decoded images that are kept, in bytes. */
const CACHE_BYTES = 512 << 20;

/** The training images of `--data`. @throws ConfigError, DataError */
export function openTrainPairs(call: Call): MaskPairs {
  return openMaskPairs(call.required("data"), "train");
}

/** The test images of `--test`, or else of `--data`. @throws ConfigError, DataError */
export function openTestPairs(call: Call): MaskPairs {
  return openMaskPairs(testSpec(call, call.required("data")), "test");
}

/** A range in `--data` picks training images, so it does not hold for the test split. */
function testSpec(call: Call, data: string): string {
  const named = call.text("test");
  if (named === undefined && /#[^/\\]*$/.test(data))
    throw new ConfigError(
      `eval segment: --data ${data} names one split. Leave #split out, or name the other with --test.`,
    );
  return named ?? data.replace(/@\d+\.\.\d+$/, "");
}

/** What the masks mean: as `--binary` or `--classes` says, else as some of the training masks show. @throws ConfigError, DataError */
export async function maskMeaning(call: Call, output: Output, { pairs }: MaskPairs): Promise<MaskMeaning> {
  const classes = call.integer("classes", 2);
  if (call.flag("binary")) {
    if (classes !== undefined) throw new ConfigError("eval segment: --binary and --classes exclude each other.");
    return { kind: "foreground" };
  }
  if (classes !== undefined) {
    if (classes > 255) throw new ConfigError(`eval segment: --classes is ${classes}, expected at most 255.`);
    return { kind: "classes", classes };
  }
  const masks = await Promise.all(somePairs(pairs, SURVEYED).map(readMask));
  const { meaning, reason } = surveyMasks(masks);
  const taken = meaning.kind === "foreground" ? "all above 0 is foreground" : `${meaning.classes} classes`;
  output.note(`${reason}: ${taken} (--binary or --classes N says otherwise)`);
  return meaning;
}

/** Images with labels, kept in memory once they are decoded. */
export function labelledImages(pairs: MaskPairs, meaning: MaskMeaning, channels: number): ImageSource {
  return memoryCache(segmentationSource(pairs, meaning, channels as 1 | 3), CACHE_BYTES);
}
