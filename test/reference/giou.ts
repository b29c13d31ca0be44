import type { Heap } from "../../src/runtime/heap.js";

type Box = readonly [number, number, number, number];

const boxAt = ({ f32 }: Heap, ptr: number, r: number): Box => {
  const at = (ptr >> 2) + 4 * r;
  return [f32[at], f32[at + 1], f32[at + 2], f32[at + 3]];
};

/** Side lengths along x and y of the box, of what it shares with the target, and of the hull of both. */
function sidesOf(a: Box, b: Box) {
  const axis = (low: number, high: number) => ({
    own: Math.max(a[high] - a[low], 0),
    shared: Math.max(Math.min(a[high], b[high]) - Math.max(a[low], b[low]), 0),
    hull: Math.max(a[high], b[high]) - Math.min(a[low], b[low]),
    target: b[high] - b[low],
  });
  return { x: axis(0, 2), y: axis(1, 3) };
}

function areasOf(a: Box, b: Box) {
  const { x, y } = sidesOf(a, b);
  const intersection = x.shared * y.shared;
  return { intersection, union: x.own * y.own + x.target * y.target - intersection, hull: x.hull * y.hull };
}

export function giou_loss_f32(
  heap: Heap,
  rows: number,
  boxes: number,
  targets: number,
  weights: number,
  scale: number,
  loss: number,
): void {
  for (let r = 0; r < rows; r++) {
    const { intersection, union, hull } = areasOf(boxAt(heap, boxes, r), boxAt(heap, targets, r));
    const w = weights === 0 ? 1 : heap.f32[(weights >> 2) + r];
    heap.f32[(loss >> 2) + r] = scale * w * (1 - (intersection / union - (hull - union) / hull));
  }
}

export function giou_loss_grad_f32(
  heap: Heap,
  rows: number,
  boxes: number,
  targets: number,
  weights: number,
  scale: number,
  upstream: number,
  beta: number,
  dboxes: number,
): void {
  const { f32 } = heap;
  for (let r = 0; r < rows; r++) {
    const [a, b] = [boxAt(heap, boxes, r), boxAt(heap, targets, r)];
    const { x, y } = sidesOf(a, b);
    const { intersection, union, hull } = areasOf(a, b);
    const w = scale * f32[upstream >> 2] * (weights === 0 ? 1 : f32[(weights >> 2) + r]);
    for (let edge = 0; edge < 4; edge++) {
      const [along, across] = edge % 2 === 0 ? [x, y] : [y, x];
      const outward = edge < 2 ? -1 : 1; // the direction in which the edge makes the box larger
      const beyond = outward * (a[edge] - b[edge]);
      const dI = beyond < 0 && along.shared > 0 ? outward * across.shared : 0;
      const dA = along.own > 0 ? outward * across.own : 0;
      const dC = beyond > 0 ? outward * across.hull : 0;
      const dU = dA - dI;
      const slope = (-dI * union + intersection * dU) / union ** 2 - (dU * hull - union * dC) / hull ** 2;
      const at = (dboxes >> 2) + 4 * r + edge;
      f32[at] = w * slope + (beta === 0 ? 0 : f32[at]);
    }
  }
}
