import { expect_aligned, expect_beta, expect_range } from "./contract";

/** A side of a box; one whose ends have changed places has none. */
// @ts-ignore: decorator
@inline
function side(low: f32, high: f32): f32 {
  return max<f32>(high - low, 0);
}

/** The side that two boxes have in common. */
// @ts-ignore: decorator
@inline
function shared(low: f32, high: f32, otherLow: f32, otherHigh: f32): f32 {
  return max<f32>(min<f32>(high, otherHigh) - max<f32>(low, otherLow), 0);
}

/** The side of the smallest box around two. */
// @ts-ignore: decorator
@inline
function hull(low: f32, high: f32, otherLow: f32, otherHigh: f32): f32 {
  return max<f32>(high, otherHigh) - min<f32>(low, otherLow);
}

/**
 * loss[r] = scale·w[r] · (1 − GIoU) = scale·w[r] · (2 − I/U − U/C) with the areas of intersection, union and hull of box and
 * target r (Rezatofighi et al., 2019)
 *
 * reads     boxes, targets  f32[rows, 4]: left, top, right, bottom
 *           weights  f32[rows], or 0 for all 1
 * writes    loss  f32[rows]
 * requires  targets of positive area; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     ten roundings of the areas, relative to the smallest of them
 */
export function giou_loss_f32(
  rows: i32, boxes: usize, targets: usize, weights: usize, scale: f32, loss: usize, begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(boxes | targets | weights | loss);
  for (let r = begin; r < end; r++) {
    const a = boxes + (<usize>r << 4);
    const b = targets + (<usize>r << 4);
    const ax = load<f32>(a), ay = load<f32>(a, 4), az = load<f32>(a, 8), aw = load<f32>(a, 12);
    const bx = load<f32>(b), by = load<f32>(b, 4), bz = load<f32>(b, 8), bw = load<f32>(b, 12);
    const intersection = shared(ax, az, bx, bz) * shared(ay, aw, by, bw);
    const union = side(ax, az) * side(ay, aw) + (bz - bx) * (bw - by) - intersection;
    const around = hull(ax, az, bx, bz) * hull(ay, aw, by, bw);
    const w = weights == 0 ? scale : scale * load<f32>(weights + (<usize>r << 2));
    store<f32>(loss + (<usize>r << 2), w * (2 - intersection / union - union / around));
  }
}

/**
 * dboxes[r] = scale·w[r]·upstream[0] · d(2 − I/U − U/C) / dbox + β·dboxes[r]; at a kink, where an edge lies on that of the
 * target, the edge moves neither intersection nor hull
 *
 * reads     boxes, targets  f32[rows, 4]; weights  f32[rows], or 0; upstream  f32[1]: dL / dΣ_r loss[r]
 * writes    dboxes  f32[rows, 4]
 * requires  targets of positive area; β is 0 or 1; 0 ≤ begin ≤ end ≤ rows
 * splits    over rows, anywhere
 * error     twenty roundings of the largest term
 */
export function giou_loss_grad_f32(
  rows: i32, boxes: usize, targets: usize, weights: usize, scale: f32, upstream: usize, beta: f32, dboxes: usize,
  begin: i32, end: i32,
): void {
  expect_range(rows, begin, end);
  expect_aligned(boxes | targets | weights | upstream | dboxes);
  expect_beta(beta);
  const adds = beta != 0;
  for (let r = begin; r < end; r++) {
    const a = boxes + (<usize>r << 4);
    const b = targets + (<usize>r << 4);
    const ax = load<f32>(a), ay = load<f32>(a, 4), az = load<f32>(a, 8), aw = load<f32>(a, 12);
    const bx = load<f32>(b), by = load<f32>(b, 4), bz = load<f32>(b, 8), bw = load<f32>(b, 12);
    const sharedX = shared(ax, az, bx, bz), sharedY = shared(ay, aw, by, bw);
    const sideX = side(ax, az), sideY = side(ay, aw);
    const hullX = hull(ax, az, bx, bz), hullY = hull(ay, aw, by, bw);
    const intersection = sharedX * sharedY;
    const union = sideX * sideY + (bz - bx) * (bw - by) - intersection;
    const around = hullX * hullY;
    const w = scale * load<f32>(upstream) * (weights == 0 ? 1 : load<f32>(weights + (<usize>r << 2)));
    const share = intersection / (union * union);
    const perShared = w * (1 / around - 1 / union - share);
    const perArea = w * (share - 1 / around);
    const perHull = w * (union / (around * around));
    const d = dboxes + (<usize>r << 4);
    const inX = sharedX > 0 ? perShared * sharedY : 0;
    const inY = sharedY > 0 ? perShared * sharedX : 0;
    const ownX = sideX > 0 ? perArea * sideY : 0;
    const ownY = sideY > 0 ? perArea * sideX : 0;
    put(d, adds, -(ownX + (ax > bx ? inX : ax < bx ? perHull * hullY : 0)));
    put(d + 4, adds, -(ownY + (ay > by ? inY : ay < by ? perHull * hullX : 0)));
    put(d + 8, adds, ownX + (az < bz ? inX : az > bz ? perHull * hullY : 0));
    put(d + 12, adds, ownY + (aw < bw ? inY : aw > bw ? perHull * hullX : 0));
  }
}

// @ts-ignore: decorator
@inline
function put(at: usize, adds: bool, value: f32): void {
  store<f32>(at, adds ? load<f32>(at) + value : value);
}
