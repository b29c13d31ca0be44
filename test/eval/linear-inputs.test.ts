import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { LinearInputs, probePositions } from "../../src/eval/linear-inputs.js";
import type { Encoder } from "../../src/models/encoder.js";
import { sliceEncoder } from "../../src/models/encoder.js";
import type { Architecture, VitSpec } from "../../src/models/encoder-spec.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { numbers } from "../support/gradcheck.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const vit = (depth: number) => probePositions({ family: "vit", depth } as Architecture);

test("the layers of a ViT are its quarters, halves to even, and the last block", () => {
  assert.equal(vit(12), [3, 6, 9, 11]);
  assert.equal(vit(24), [6, 12, 18, 23]);
  assert.equal(vit(14), [4, 7, 10, 13], "3.5 and 10.5 are rounded to even numbers");
  assert.equal(vit(18), [4, 9, 14, 17], "4.5 and 13.5 likewise");
});

test("blocks of a shallow ViT that coincide or are not there count once", () => {
  assert.equal(vit(4), [1, 2, 3]);
  assert.equal(vit(2), [0, 1]);
  assert.equal(vit(1), [0]);
});

test("Swin and ResNet give their four stages", () => {
  for (const { spec } of [tinySwin(), tinyResnet()]) assert.equal(probePositions(spec), [0, 1, 2, 3]);
});

/** Rows of an encoder by hand: class features of the taken layers, then the mean of the last layer's patches. */
function byHand({ backbone }: Encoder, images: Tensor, positions: readonly number[]): number[][] {
  const taken = backbone.intermediate(images, positions);
  const { patchTokens } = taken[taken.length - 1];
  const [batch, count, dim] = patchTokens.shape;
  const patches = patchTokens.toArray();
  return Array.from({ length: batch }, (_, b) => [
    ...taken.flatMap(({ classToken }) =>
      [...classToken.toArray()].slice(b * classToken.shape[1]).slice(0, classToken.shape[1]),
    ),
    ...Array.from({ length: dim }, (_, c) => {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += patches[(b * count + n) * dim + c];
      return sum / count;
    }),
  ]);
}

const encoders: [string, Encoder, number[]][] = [
  ["ViT", tinyEncoder({ depth: 6 }), [16, 16, 16, 16]],
  ["sub-network of a ViT", sliceEncoder(tinyEncoder({ depth: 6 }), { width: 8, depth: 5 }), [8, 8, 8]],
  ["Swin", tinySwin(), [8, 16, 32, 64]],
  ["ResNet", tinyResnet(), [16, 32, 64, 128]],
];

for (const [name, encoder, widths] of encoders) {
  test(`every input of a ${name} is a range of columns of one row`, () => {
    const inputs = new LinearInputs(encoder);
    const last = widths[widths.length - 1];
    const joined = widths.reduce((sum, width) => sum + width, 0);
    const n = widths.length;
    assert.is(inputs.dim, joined + last);
    assert.equal(inputs.kinds, [
      { layers: 1, pooled: false, first: joined - last, length: last },
      { layers: 1, pooled: true, first: joined - last, length: 2 * last },
      { layers: n, pooled: false, first: 0, length: joined },
      { layers: n, pooled: true, first: 0, length: joined + last },
    ]);
    const side = (encoder.spec as VitSpec).imageSize;
    step(() => {
      const images = fromArray(numbers([2, 3, side, side], 1), [2, 3, side, side]);
      const rows = inputs.read(images);
      assert.equal(rows.shape, [2, inputs.dim]);
      close(rows.toArray(), byHand(encoder, images, inputs.positions).flat(), 1e-5);
    });
  });
}

test("a network of one block has one layer to read", () => {
  const { kinds, dim } = new LinearInputs(tinyEncoder({ depth: 1 }));
  assert.is(dim, 32);
  assert.equal(kinds, [
    { layers: 1, pooled: false, first: 0, length: 16 },
    { layers: 1, pooled: true, first: 0, length: 32 },
  ]);
});
