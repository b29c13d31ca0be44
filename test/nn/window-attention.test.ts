import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { WindowAttention } from "../../src/nn/window-attention.js";
import { windowLayout } from "../../src/ops/window-layout.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { withNumbers } from "../models/backbone-suite.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const attentionOf = (width: number) =>
  withNumbers(new WindowAttention(width, { headDim: 2, windowSize: 3, rng: new Rng(1) }));

test("each cell attends to the cells of its window, filled-up ones included, by its own equation", async () => {
  await initDouble();
  const [height, width, channels, side] = [4, 5, 4, 3];
  const attention = attentionOf(channels);
  const { qkv, proj, relative_position_bias_table: table } = attention.w_msa;
  const x = fromArray(numbers([1, height, width, channels], 3), [1, height, width, channels]);
  const [w, b, p, c, t] = [qkv.weight, qkv.bias!, proj.weight, proj.bias!, table].map((y) => y.toArray());
  for (const shift of [0, 1]) {
    const actual = step(() =>
      attention.forward(x, windowLayout(height, width, { window: side, shift: [shift, shift] })).toArray(),
    );
    const padded = 6;
    const cell = (row: number, column: number) =>
      Array.from({ length: channels }, (_, i) =>
        row < height && column < width ? x.toArray()[(row * width + column) * channels + i] : 0,
      );
    const project = (values: number[], which: number) =>
      Array.from({ length: channels }, (_, o) =>
        values.reduce((sum, v, i) => sum + v * w[(which * channels + o) * channels + i], b[which * channels + o]),
      );
    // A moved cell stands at (row − shift) mod 6; cells that came over an edge attend among themselves.
    const place = (at: number) => (at - shift + padded) % padded;
    const wrapped = (at: number) => place(at) >= padded - shift && shift > 0;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const heads = [0, 1].flatMap((head) => {
          const part = (values: number[]) => values.slice(2 * head, 2 * head + 2);
          const q = part(project(cell(row, column), 0));
          const terms: { weight: number; value: number[] }[] = [];
          for (let y = 0; y < padded; y++) {
            for (let z = 0; z < padded; z++) {
              const near = (a: number, other: number) =>
                Math.floor(place(a) / side) === Math.floor(place(other) / side);
              if (!near(y, row) || !near(z, column)) continue;
              const k = part(project(cell(y, z), 1));
              const apart = wrapped(y) !== wrapped(row) || wrapped(z) !== wrapped(column);
              const offset = (place(row) - place(y) + 2) * 5 + place(column) - place(z) + 2;
              const score = (q[0] * k[0] + q[1] * k[1]) / Math.sqrt(2) + t[offset * 2 + head] - (apart ? 100 : 0);
              terms.push({ weight: Math.exp(score), value: part(project(cell(y, z), 2)) });
            }
          }
          assert.is(terms.length, side * side);
          const total = terms.reduce((sum, { weight }) => sum + weight, 0);
          return [0, 1].map((d) => terms.reduce((sum, { weight, value }) => sum + weight * value[d], 0) / total);
        });
        const expected = Array.from({ length: channels }, (_, o) =>
          heads.reduce((sum, v, i) => sum + v * p[o * channels + i], c[o]),
        );
        const first = (row * width + column) * channels;
        close(actual.slice(first, first + channels), expected, 1e-9, `shift ${shift}, cell ${row}, ${column}, channel`);
      }
    }
  }
});

test("the table, the layers and the map have the gradients of the function, sliced and moved too", async () => {
  await initDouble();
  const attention = attentionOf(4);
  const part = attention.slice(2);
  const x = leaf([2, 4, 5, 4], 4);
  const layout = () => windowLayout(4, 5, { window: 3, shift: [1, 1] });
  gradcheck(() => attention.forward(x, layout()), [x, ...attention.parameters()]);
  gradcheck(() => part.forward(x.narrow(3, 0, 2), layout()), [x, ...attention.parameters()]);
});

test("a slice keeps the first heads, with the scale of the whole", async () => {
  await init();
  const attention = attentionOf(8);
  const part = attention.slice(4).w_msa;
  assert.equal(part.relative_position_bias_table.shape, [25, 2]);
  assert.equal([part.qkv.weight.shape, part.qkv.inputScale, part.proj.inputScale], [[3, 4, 4], 2, 2]);
  assert.is(part.relative_position_bias_table.storage, attention.w_msa.relative_position_bias_table.storage);
});
