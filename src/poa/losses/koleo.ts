import { logDistance } from "../../ops/log-distance.js";
import { nearestRows } from "../../ops/nearest.js";
import { l2Normalize } from "../../ops/normalize.js";
import type { Tensor } from "../../tensor/tensor.js";

const EPS = 1e-8;

/**
 * Kozachenko-Leonenko regulariser (Sablayrolles et al., 2019; spec §4.5): −mean log(‖z_i − z_nn(i) + ε‖ + ε) over unit
 * features, which pushes each from its nearest neighbour. The choice of neighbour carries no gradient.
 *
 * @param features  class features of one global crop of every image [B, F]
 * @returns a scalar
 */
export function koleo(features: Tensor): Tensor {
  const z = l2Normalize(features, { eps: EPS }); //                              [B, F]
  const { index } = nearestRows(z, z, 1, { excludeSelf: true });
  return logDistance(z, index, { eps: EPS });
}
