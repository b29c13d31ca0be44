import { scope, step } from "../../autograd/tape.js";
import type { ImageSource } from "../../data/dataset.js";
import { DataError } from "../../errors.js";
import type { SourceFeatures } from "../../eval/features.js";
import { gatherRows } from "../../ops/gather.js";
import { nearestRows } from "../../ops/nearest.js";
import type { Rgb } from "./canvas.js";
import { centerSquares } from "./center-squares.js";
import type { Picture } from "./picture.js";
import { drawTiles, type Tile } from "./tile-sheet.js";

const SIDE = 96;
/** Blue-green and vermilion, which those who confuse red and green tell apart (Okabe and Ito, 2008). */
const RIGHT: Rgb = [0, 158, 115];
const WRONG: Rgb = [213, 94, 0];

/** Images with the features that `extractFeatures` gave for them. */
export interface FeaturedImages {
  readonly source: ImageSource;
  readonly features: SourceFeatures;
}

/** How many neighbours are shown, and how many vote. */
export interface NeighborOptions {
  /** Queries shown, spread evenly over all. Default 8. */
  readonly count?: number;
  /** Neighbours of each. Default 7. */
  readonly k?: number;
}

/** A query and what lies nearest to it. */
export interface FoundNeighbors {
  /** Index of the image in its source. */
  readonly query: number;
  /** Index in the source of the bank, the most similar first. */
  readonly neighbors: readonly { readonly index: number; readonly similarity: number }[];
}

/**
 * For some queries the images of a bank with the most similar features. Where both are the same source, no image is its own
 * neighbour.
 *
 * @param queries  features of unit length
 * @param bank  features of the same encoder, of unit length
 * @throws DataError if either has no image, or the bank none but the query
 */
export function findNeighbors(
  queries: FeaturedImages,
  bank: FeaturedImages,
  { count = 8, k = 7 }: NeighborOptions = {},
): FoundNeighbors[] {
  const [asked, offered] = [queries.features.indices, bank.features.indices];
  const same = queries.source === bank.source;
  if (asked.length === 0 || offered.length <= (same ? 1 : 0)) {
    throw new DataError(
      `neighbours: ${asked.length} queries and a bank of ${offered.length} images; expected at least ` +
        `${same ? "2 images, as queries and bank are the same" : "1 of each"}.`,
    );
  }
  const shown = Math.min(count, asked.length);
  const rows = Int32Array.from({ length: shown }, (_, i) => Math.floor(((i + 0.5) * asked.length) / shown));
  const wanted = Math.min(same ? k + 1 : k, offered.length);
  const [index, similarity] = step(() =>
    scope(() => {
      const nearest = nearestRows(gatherRows(queries.features.features, rows), bank.features.features, wanted);
      return [nearest.index.toArray(), nearest.similarity.toArray()];
    }),
  );
  return Array.from(rows, (row, i) => {
    const query = asked[row];
    const found = Array.from({ length: wanted }, (_, n) => ({
      index: offered[index[i * wanted + n]],
      similarity: similarity[i * wanted + n],
    }));
    return { query, neighbors: found.filter((one) => !same || one.index !== query).slice(0, k) };
  });
}

/**
 * `findNeighbors` as a table: each query, then its neighbours. Where both sources have labels, a frame tells whether a
 * neighbour is of the query's class, and its class stands below; else its similarity.
 *
 * @param options.side  of each tile in pixels; default 96
 * @throws DataError as `findNeighbors`
 */
export async function neighborsPicture(
  queries: FeaturedImages,
  bank: FeaturedImages,
  { side = SIDE, ...options }: NeighborOptions & { readonly side?: number } = {},
): Promise<Picture> {
  const found = findNeighbors(queries, bank, options);
  const labelled = queries.source.labels !== null && bank.source.labels !== null;
  const rows: Tile[][] = [];
  let right = 0;
  for (const { query, neighbors } of found) {
    const wanted = classOf(queries.source, query);
    const tiles: Tile[] = [{ image: await square(queries.source, query, side), label: wanted ?? undefined }];
    for (const { index, similarity } of neighbors) {
      const image = await square(bank.source, index, side);
      const given = classOf(bank.source, index);
      if (labelled && given === wanted) right++;
      tiles.push(
        labelled
          ? { image, label: given!, frame: given === wanted ? RIGHT : WRONG }
          : { image, label: similarity.toFixed(2) },
      );
    }
    rows.push(tiles);
  }
  const k = Math.max(...rows.map((row) => row.length)) - 1;
  const headings = ["query", ...Array.from({ length: k }, (_, i) => `${i + 1}`)];
  const total = rows.reduce((sum, row) => sum + row.length - 1, 0);
  const meaning = labelled
    ? `${right} of ${total} are of the query's class (blue-green frame; orange: of another).`
    : "Below each its cosine similarity.";
  return {
    image: drawTiles({ headings, rows, side }),
    caption: `${rows.length} images, each followed by its ${k} nearest neighbours in the features of the encoder. ${meaning}`,
  };
}

function classOf({ labels, classes }: ImageSource, index: number): string | null {
  return labels && classes[labels[index]];
}

async function square(source: ImageSource, index: number, side: number) {
  return centerSquares([await source.read(index)], side)[0];
}
