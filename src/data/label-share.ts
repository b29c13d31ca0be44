import { ConfigError, DataError } from "../errors.js";
import { Rng } from "../tensor/random.js";
import { type ImageSource, subset } from "./dataset.js";

/** Keeps these draws apart from other uses of a seed: "shar" in ASCII. */
const STREAM = 0x73686172;

/**
 * Deals the images of every class into two parts by one share: few labels for learning, or images held out.
 *
 * @param source  labelled images
 * @param share  of each class that goes into the first part, in (0, 1); at least one image of a class that has any
 * @param seed  names the draw
 * @returns [the share, the rest], both in the source's order
 * @throws ConfigError for another share, DataError if the source has no labels
 */
export function splitByLabel(source: ImageSource, share: number, seed: number): [ImageSource, ImageSource] {
  const { labels } = source;
  if (!labels) throw new DataError(`${source.name} has no labels, so no share of them can be taken.`);
  if (!(share > 0 && share < 1)) throw new ConfigError(`labels: a share of ${share}, expected one between 0 and 1.`);
  const places = source.classes.map((): number[] => []);
  labels.forEach((label, i) => {
    places[label].push(i);
  });
  const first = new Uint8Array(labels.length);
  places.forEach((indices, label) => {
    const count = Math.max(1, Math.round(share * indices.length));
    const order = new Rng(seed, STREAM, label).permutation(indices.length);
    for (const place of order.slice(0, count)) first[indices[place]] = 1;
  });
  const part = (value: 0 | 1, name: string) =>
    subset(
      source,
      Int32Array.from(first.keys()).filter((i) => first[i] === value),
      `${source.name} (${name})`,
    );
  const percent = `${100 * share} %`;
  return [part(1, percent), part(0, `without ${percent}`)];
}
