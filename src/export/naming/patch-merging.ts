import type { StoredTensor } from "../../formats/safetensors.js";

/** The parts of patch merging that see the 2×2 neighbourhood, by our names. */
const MERGING = /downsample\.(?:norm\.(?:weight|bias)|reduction\.weight)$/;

/**
 * Swaps the second and the third of the four channel groups of patch merging: stock Swin joins a neighbourhood as (0,0), (1,0),
 * (0,1), (1,1), POA row by row (spec §2.6). Other tensors pass through.
 */
export function swapMiddleGroups(ours: string, x: StoredTensor): StoredTensor {
  const columns = x.shape[x.shape.length - 1];
  if (!MERGING.test(ours) || columns % 4 !== 0) return x;
  const group = columns / 4;
  const data = x.data.slice() as typeof x.data;
  for (let row = 0; row < data.length; row += columns) {
    const [second, third] = [row + group, row + 2 * group];
    data.set(x.data.subarray(third, third + group) as never, second);
    data.set(x.data.subarray(second, second + group) as never, third);
  }
  return { ...x, data };
}
