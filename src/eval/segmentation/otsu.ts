import { toChannels } from "../../data/channels.js";
import type { RawImage } from "../../data/dataset.js";

const LEVELS = 256;

/**
 * Otsu's threshold (1979): the grey value t for which the means of the pixels up to t and above t are farthest apart, weighted by how
 * many there are. Of equal ones the first.
 *
 * @param grey  values from 0 to 255
 */
export function otsuThreshold(grey: Uint8Array): number {
  const counts = new Float64Array(LEVELS);
  for (let i = 0; i < grey.length; i++) counts[grey[i]]++;
  const total = counts.reduce((sum, count, value) => sum + count * value, 0);
  let [below, sumBelow, best, threshold] = [0, 0, -1, 0];
  for (let t = 0; t < LEVELS; t++) {
    below += counts[t];
    sumBelow += counts[t] * t;
    const above = grey.length - below;
    if (below === 0 || above === 0) continue;
    const spread = below * above * (sumBelow / below - (total - sumBelow) / above) ** 2;
    if (spread > best) [best, threshold] = [spread, t];
  }
  return threshold;
}

/** Foreground by Otsu's threshold on brightness, 1 or 0 for each pixel: the side with fewer pixels, be it bright or dark. */
export function otsuForeground(image: RawImage): Uint8Array {
  const { data } = toChannels(image, 1);
  const threshold = otsuThreshold(data);
  const bright = data.reduce((sum, value) => sum + (value > threshold ? 1 : 0), 0);
  const rare = bright <= data.length / 2 ? 1 : 0;
  return data.map((value) => (value > threshold ? rare : 1 - rare));
}
