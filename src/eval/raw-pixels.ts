import { step } from "../autograd/tape.js";
import type { ImageSource } from "../data/dataset.js";
import { DataError } from "../errors.js";
import { l2Normalize } from "../ops/normalize.js";
import { fromArray } from "../tensor/create.js";
import type { LabelledFeatures } from "./knn.js";

/**
 * The pixels of each image, scaled to unit length: the bar that any encoder has to pass. Images must be of one size.
 *
 * @returns features [N, H·W·C] in persistent memory
 * @throws DataError if they are not
 */
export async function rawPixels(source: ImageSource): Promise<LabelledFeatures> {
  const rows: Uint8Array[] = [];
  for (let i = 0; i < source.length; i++) rows.push((await source.read(i)).data);
  const length = rows[0].length;
  const other = rows.findIndex((row) => row.length !== length);
  if (other >= 0) throw new DataError(`raw pixels: ${source.path(other)} has another size than ${source.path(0)}.`);
  const pixels = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    pixels.set(row, i * length);
  });
  const features = step(() => l2Normalize(fromArray(pixels, [rows.length, length]), { eps: 1e-12 }));
  return { features, labels: source.labels ?? new Int32Array(rows.length) };
}
