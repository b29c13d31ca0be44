import { bootstrapMean, type Interval } from "./bootstrap.js";

/** What was seen in the images of one variant of a labelled set, such as ImageNet-9 with mixed backgrounds. */
export interface VariantAnswers {
  readonly name: string;
  readonly labels: Int32Array;
  /** −1 for what is none of the variants' classes. */
  readonly predictions: Int32Array;
  /** Which foreground each image shows; equal names in one class mean the same one. */
  readonly foregrounds: readonly string[];
}

/** An accuracy with its 95 % bootstrap interval. */
export interface VariantAccuracy {
  readonly top1: number;
  readonly interval: Interval;
  readonly images: number;
}

/** How much backgrounds decide (Xiao et al., 2020; spec §7.9). */
export interface BackgroundFigures {
  readonly variants: Readonly<Record<string, VariantAccuracy>>;
  /** The variant that the others are compared with: `original`, or the first. */
  readonly reference: string;
  /** Accuracy on the reference less that on each other variant. */
  readonly differences: Readonly<Record<string, number>>;
  /** `mixed_same` less `mixed_rand`, or null where one is absent. */
  readonly backgroundGap: number | null;
  /** Foregrounds that are shown on the reference and on other backgrounds. */
  readonly foregrounds: number;
  /** Share of them that are missed on at least one background, the reference included; null if there are none. */
  readonly vulnerable: number | null;
  /** Share of them that are right on the reference and missed on at least one other background; null if there are none. */
  readonly flipped: number | null;
}

/** Names of variants whose images hold no foreground. */
const WITHOUT_FOREGROUND = /^(only_bg|no_fg)/;

/** The foreground that an image shows, by its file's name: of fg_A_bg_B.JPEG it is A, of A.JPEG too. */
export function foregroundOf(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1).replace(/\.\w+$/, "");
  return name.replace(/_bg_.*$/, "").replace(/^fg_/, "");
}

/**
 * Accuracy over variants of a set with other backgrounds.
 *
 * @param variants  at least one
 */
export function backgroundFigures(variants: readonly VariantAnswers[]): BackgroundFigures {
  const reference = variants.find(({ name }) => name === "original") ?? variants[0];
  const accuracies = new Map(variants.map((variant) => [variant.name, accuracyOf(variant)]));
  const top1 = (name: string) => accuracies.get(name)?.top1 ?? Number.NaN;
  const gap = top1("mixed_same") - top1("mixed_rand");
  const others = variants.filter((variant) => variant !== reference);
  return {
    variants: Object.fromEntries(accuracies),
    reference: reference.name,
    differences: Object.fromEntries(others.map(({ name }) => [name, top1(reference.name) - top1(name)])),
    backgroundGap: Number.isNaN(gap) ? null : gap,
    ...foregroundFigures(
      reference,
      others.filter(({ name }) => !WITHOUT_FOREGROUND.test(name)),
    ),
  };
}

function accuracyOf({ labels, predictions }: VariantAnswers): VariantAccuracy {
  const hits = labels.map((label, i) => (predictions[i] === label ? 1 : 0));
  const right = hits.reduce((sum, hit) => sum + hit, 0);
  return { top1: right / hits.length, interval: bootstrapMean(hits), images: hits.length };
}

function foregroundFigures(reference: VariantAnswers, others: readonly VariantAnswers[]) {
  const [known, elsewhere] = [missedByForeground([reference]), missedByForeground(others)];
  const shared = [...known.keys()].filter((foreground) => elsewhere.has(foreground));
  const share = (among: readonly string[]) => (shared.length === 0 ? null : among.length / shared.length);
  return {
    foregrounds: shared.length,
    vulnerable: share(shared.filter((foreground) => known.get(foreground) || elsewhere.get(foreground))),
    flipped: share(shared.filter((foreground) => !known.get(foreground) && elsewhere.get(foreground))),
  };
}

/** Whether each foreground is missed in at least one image. */
function missedByForeground(variants: readonly VariantAnswers[]): Map<string, boolean> {
  const missed = new Map<string, boolean>();
  for (const { labels, predictions, foregrounds } of variants) {
    foregrounds.forEach((foreground, i) => {
      const key = `${labels[i]}/${foreground}`;
      missed.set(key, (missed.get(key) ?? false) || predictions[i] !== labels[i]);
    });
  }
  return missed;
}
