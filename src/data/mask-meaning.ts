import { DataError } from "../errors.js";
import type { LabelMap } from "./decode-label-png.js";

/** The label of pixels that do not count. */
export const IGNORED = 255;

/** What the numbers of masks stand for: */
export type MaskMeaning =
  /** the number of a class, from 0 to classes − 1, or 255 for pixels that do not count; */
  | { readonly kind: "classes"; readonly classes: number }
  /** background where they are 0, foreground otherwise: binary masks, or instances with a number each. */
  | { readonly kind: "foreground" };

/** How many classes there are. */
export function classCount(meaning: MaskMeaning): number {
  return meaning.kind === "classes" ? meaning.classes : 2;
}

/**
 * Labels of a mask's pixels.
 *
 * @param path  for the message
 * @returns [height · width], classes and 255
 * @throws DataError for a number that is no class
 */
export function labelsOf({ data, width }: LabelMap, meaning: MaskMeaning, path: string): Uint8Array {
  if (meaning.kind === "foreground") return Uint8Array.from(data, (value) => (value > 0 ? 1 : 0));
  const { classes } = meaning;
  const wrong = data.findIndex((value) => value >= classes && value !== IGNORED);
  if (wrong >= 0) {
    throw new DataError(
      `${path}: the pixel in row ${Math.floor(wrong / width)}, column ${wrong % width} has class ${data[wrong]}, ` +
        `expected 0 to ${classes - 1}, or ${IGNORED} for none. Raise the number of classes, or repair the mask.`,
    );
  }
  return Uint8Array.from(data);
}

/** What a look at masks has shown. */
export interface MaskSurvey {
  readonly meaning: MaskMeaning;
  /** Why, in words. */
  readonly reason: string;
}

/**
 * Tells from masks what their numbers stand for: instances where every mask has the numbers 1 to n without a gap and n
 * differs from mask to mask by more than classes would; binary where there is only 0 and 255; classes else.
 *
 * @param masks  some masks of a training set, at least one
 * @throws DataError if the numbers are neither: too large for classes, yet not instances
 */
export function surveyMasks(masks: readonly LabelMap[]): MaskSurvey {
  const found = masks.map(({ data }) => [...new Set(data)].filter((value) => value > 0).sort((a, b) => a - b));
  if (found.every((values) => values.every((value) => value === IGNORED)) && found.some(({ length }) => length > 0)) {
    return { meaning: { kind: "foreground" }, reason: "masks hold 0 and 255 alone" };
  }
  const counts = found.map(({ length }) => length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  if (
    found.every((values) => values.every((value, i) => value === i + 1)) &&
    most > MOST_SHARED_CLASSES &&
    fewest < most
  ) {
    return {
      meaning: { kind: "foreground" },
      reason: `masks number their instances, ${fewest} to ${most} in an image`,
    };
  }
  const largest = Math.max(0, ...found.flat().filter((value) => value !== IGNORED));
  if (largest > IGNORED) {
    throw new DataError(
      `masks: a number is ${largest}, more than the ${IGNORED} classes that are possible, and numbers are not those of ` +
        "instances, which run from 1 without a gap. Say --binary to take all above 0 as foreground.",
    );
  }
  return {
    meaning: { kind: "classes", classes: Math.max(largest + 1, 2) },
    reason: `masks have classes 0 to ${largest}`,
  };
}

/** Classes that are present in all images without a gap are hardly more than this. */
const MOST_SHARED_CLASSES = 8;
