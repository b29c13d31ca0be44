import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ImageSource } from "../data/dataset.js";
import { imageFolder } from "../data/image-folder.js";
import { ConfigError, DataError } from "../errors.js";
import { type BackgroundFigures, backgroundFigures, foregroundOf, type VariantAnswers } from "../eval/backgrounds.js";
import { type Recognizer, recognize } from "../eval/robustness.js";
import { keep } from "../tensor/create.js";
import type { Call } from "./command.js";
import { extractionOptions } from "./labelled-data.js";
import { formatTable, type Output } from "./output.js";

/** Variants of one labelled set, such as its images on other backgrounds. */
export interface Variants {
  readonly sources: ReadonlyMap<string, ImageSource>;
  /** The variants' class of each class of the bank, −1 for none. */
  readonly classOf: Int32Array;
}

type Context = { readonly call: Call; readonly output: Output };

/**
 * The variants in a folder: each of its sub-folders with images in a folder per class, `val` or `test` between them or not.
 * Sub-folders without images are left out with a warning.
 *
 * @param classes  of the bank
 * @throws DataError if there is no variant, or their classes differ, or a class is none of the bank's and there is no `--map`
 */
export function openVariants(folder: string, classes: readonly string[], { call, output }: Context): Variants {
  const sources = new Map<string, ImageSource>();
  for (const name of subFolders(folder)) {
    try {
      const source = imageFolder(join(folder, name));
      if (source.labels) sources.set(name, source);
      else output.warn(`${source.name} has no labels. Left out.`);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      output.warn(`${error.message} Left out.`);
    }
  }
  const [first] = sources.values();
  if (!first) {
    throw new DataError(`variants: ${folder} has no sub-folder with images in a folder per class. Check --variants.`);
  }
  for (const source of sources.values()) {
    if (source.classes.join("\n") !== first.classes.join("\n")) {
      throw new DataError(
        `variants: ${first.name} has classes ${first.classes.join(", ")}, ${source.name} has ${source.classes.join(", ")}.`,
      );
    }
  }
  const map = call.text("map");
  return { sources, classOf: map === undefined ? sameNames(classes, first) : readMap(map, classes, first.classes) };
}

/** What a recogniser sees in the images of each variant. */
export async function seenInVariants(
  { sources, classOf }: Variants,
  recognizer: Recognizer,
  { call, output }: Context,
): Promise<BackgroundFigures> {
  const answers: VariantAnswers[] = [];
  for (const [name, source] of sources) {
    const unchanged = { name: "unchanged", apply: keep };
    const options = extractionOptions(call, output, name);
    const { indices, predictions } = await recognize(source, recognizer, [unchanged], options);
    answers.push({
      name,
      labels: indices.map((i) => source.labels![i]),
      predictions: predictions.get("unchanged")!.map((label) => classOf[label]),
      foregrounds: Array.from(indices, (i) => foregroundOf(source.path(i))),
    });
  }
  return backgroundFigures(answers);
}

/** The figures for people. */
export function variantLines(figures: BackgroundFigures): string[] {
  const { variants, reference, differences, backgroundGap, foregrounds, vulnerable, flipped } = figures;
  const rows = Object.entries(variants).map(([name, { top1, interval, images }]) => [
    name,
    String(images),
    top1.toFixed(4),
    `${interval.low.toFixed(4)} to ${interval.high.toFixed(4)}`,
    name in differences ? differences[name].toFixed(4) : "",
  ]);
  const lines = [formatTable([["variant", "images", "accuracy", "95 % interval", `below ${reference}`], ...rows])];
  if (backgroundGap !== null) lines.push(`mixed_same less mixed_rand: ${backgroundGap.toFixed(4)}`);
  if (vulnerable !== null && flipped !== null) {
    lines.push(
      `of ${foregrounds} foregrounds ${vulnerable.toFixed(4)} are missed on some background, ` +
        `${flipped.toFixed(4)} although they are right on ${reference}`,
    );
  }
  return lines;
}

function subFolders(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => !name.startsWith("."));
    return names.filter((name) => statSync(join(folder, name)).isDirectory()).sort();
  } catch (error) {
    throw new DataError(`variants: ${folder} cannot be read. Check --variants.`, { cause: error });
  }
}

function sameNames(classes: readonly string[], variant: ImageSource): Int32Array {
  const unknown = variant.classes.filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new DataError(
      `variants: ${variant.name} has classes that the bank has not: ${unknown.slice(0, 8).join(", ")}. ` +
        "Say with --map which class of the bank is which of theirs.",
    );
  }
  return Int32Array.from(classes, (name) => variant.classes.indexOf(name));
}

/** {"class of the bank": "class of the variants"}; either may be a number, counted from 0; null or −1 for none. */
function readMap(path: string, classes: readonly string[], ofVariants: readonly string[]): Int32Array {
  let entries: [string, unknown][];
  try {
    entries = Object.entries(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new ConfigError(`--map: ${path} cannot be read as JSON: ${(error as Error).message}.`);
  }
  const numberOf = (name: unknown, among: readonly string[]): number => {
    const found = among.indexOf(String(name));
    return found < 0 && /^\d+$/.test(String(name)) && Number(name) < among.length ? Number(name) : found;
  };
  const classOf = new Int32Array(classes.length).fill(-1);
  for (const [from, to] of entries) {
    const [known, meant] = [numberOf(from, classes), numberOf(to, ofVariants)];
    if (known < 0) throw new ConfigError(`--map: ${path} names ${JSON.stringify(from)}, which the bank has not.`);
    if (meant < 0 && to !== null && to !== -1)
      throw new ConfigError(`--map: ${path} maps ${from} to ${JSON.stringify(to)}, which the variants have not.`);
    classOf[known] = meant;
  }
  return classOf;
}
