import * as reference from "../reference/blur.js";
import { checkKernel, seeded } from "../support/kernels.js";
import { test } from "../support/test.js";

const noise = (n: number) =>
  Uint8Array.from(
    { length: n },
    (
      (next) => () =>
        Math.floor(256 * next())
    )(seeded(n)),
  );

for (const [cols, channels] of [
  [11, 1],
  [16, 3],
  [5, 3],
  [40, 1],
])
  for (const weights of [[1], [0.6, 0.2], [0.24, 0.2, 0.1, 0.06, 0.02]]) {
    test(`blurring ${cols} pixels in ${channels} channels with radius ${weights.length - 1} is within a level of the reference`, () => {
      checkKernel("blur_u8", reference.blur_u8, {
        args: (m) => {
          const n = 7 * cols * channels;
          return [
            7,
            cols,
            channels,
            m.bytes(noise(n)),
            m.input(weights),
            weights.length - 1,
            m.bytes(new Uint8Array(n), { output: true }),
          ];
        },
        compare: "u8",
        byteTolerance: 1,
      });
    });
  }
