import type { BenchCase } from "../../src/cli/bench/case.js";
import { random } from "../../src/cli/bench/seeded.js";
import { kernels } from "../../src/runtime/launch.js";
import { empty } from "../../src/tensor/create.js";

/** Numbers that stay in a cache of the second level, and numbers that come from memory. */
const sizes = [
  { at: "in cache", count: 1 << 14 },
  { at: "in memory", count: 1 << 24 },
];

/** What memory can do: bytes read and written once each, as the kernel asks for them. */
export const cases: readonly BenchCase[] = sizes.flatMap(({ at, count }) => {
  const timed = (name: string, bytes: number, prepare: () => () => void): BenchCase => ({
    name: `${name} ${count} ${at}`,
    unit: "GB/s",
    work: bytes * count,
    prepare,
  });
  return [
    timed("fill", 4, () => {
      const y = empty([count]);
      return () => kernels.fill_f32(count, 1, y.ptr);
    }),
    timed("scale", 8, () => {
      const [x, y] = [random([count]), empty([count])];
      return () => kernels.scale_f32(count, 2, x.ptr, 0, y.ptr);
    }),
    timed("add", 12, () => {
      const [a, b, y] = [random([count], 1), random([count], 2), empty([count])];
      return () => kernels.add_f32(count, a.ptr, b.ptr, y.ptr);
    }),
  ];
});
