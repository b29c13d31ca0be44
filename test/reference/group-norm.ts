import type { Heap } from "../../src/runtime/heap.js";

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

interface Group {
  image: number;
  group: number;
  /** Pixel and channel of every member. */
  members: { p: number; c: number }[];
}

/** Every group of every image. */
function eachGroup(images: number, pixels: number, channels: number, groups: number): Group[] {
  const size = channels / groups;
  const members = (group: number) =>
    Array.from({ length: pixels * size }, (_, i) => ({ p: Math.floor(i / size), c: group * size + (i % size) }));
  return Array.from({ length: images * groups }, (_, i) => ({
    image: Math.floor(i / groups),
    group: i % groups,
    members: members(i % groups),
  }));
}

export function group_norm_f32(
  { f32 }: Heap,
  images: number,
  pixels: number,
  channels: number,
  groups: number,
  x: number,
  ldx: number,
  eps: number,
  weight: number,
  bias: number,
  y: number,
  ldy: number,
  stats: number,
): void {
  for (const { image, group, members } of eachGroup(images, pixels, channels, groups)) {
    const values = members.map(({ p, c }) => f32[(x >> 2) + (image * pixels + p) * ldx + c]);
    const center = mean(values);
    const rstd = 1 / Math.sqrt(mean(values.map((value) => (value - center) ** 2)) + eps);
    members.forEach(({ p, c }, i) => {
      const scaled = (values[i] - center) * rstd * f32[(weight >> 2) + c];
      f32[(y >> 2) + (image * pixels + p) * ldy + c] = scaled + f32[(bias >> 2) + c];
    });
    f32[(stats >> 2) + 2 * (image * groups + group)] = center;
    f32[(stats >> 2) + 2 * (image * groups + group) + 1] = rstd;
  }
}

export function group_norm_sums_f32(
  { f32 }: Heap,
  images: number,
  pixels: number,
  channels: number,
  groups: number,
  x: number,
  ldx: number,
  stats: number,
  dy: number,
  lddy: number,
  sums: number,
): void {
  f32.fill(0, sums >> 2, (sums >> 2) + 2 * images * channels);
  for (const { image, group, members } of eachGroup(images, pixels, channels, groups)) {
    const at = (stats >> 2) + 2 * (image * groups + group);
    for (const { p, c } of members) {
      const g = f32[(dy >> 2) + (image * pixels + p) * lddy + c];
      const normalized = (f32[(x >> 2) + (image * pixels + p) * ldx + c] - f32[at]) * f32[at + 1];
      f32[(sums >> 2) + image * channels + c] += g * normalized;
      f32[(sums >> 2) + (images + image) * channels + c] += g;
    }
  }
}

export function group_norm_grad_input_f32(
  { f32 }: Heap,
  images: number,
  pixels: number,
  channels: number,
  groups: number,
  x: number,
  ldx: number,
  stats: number,
  sums: number,
  weight: number,
  dy: number,
  lddy: number,
  beta: number,
  dx: number,
  lddx: number,
): void {
  const size = channels / groups;
  for (const { image, group, members } of eachGroup(images, pixels, channels, groups)) {
    const [center, rstd] = [0, 1].map((i) => f32[(stats >> 2) + 2 * (image * groups + group) + i]);
    const meanOf = (plane: number) => {
      const weighted = Array.from({ length: size }, (_, i) => {
        const c = group * size + i;
        return f32[(weight >> 2) + c] * f32[(sums >> 2) + (plane * images + image) * channels + c];
      });
      return mean(weighted) / pixels;
    };
    const [meanGX, meanG] = [meanOf(0), meanOf(1)];
    for (const { p, c } of members) {
      const g = f32[(dy >> 2) + (image * pixels + p) * lddy + c] * f32[(weight >> 2) + c];
      const normalized = (f32[(x >> 2) + (image * pixels + p) * ldx + c] - center) * rstd;
      const to = (dx >> 2) + (image * pixels + p) * lddx + c;
      f32[to] = (g - meanG - normalized * meanGX) * rstd + (beta === 0 ? 0 : f32[to]);
    }
  }
}
