import * as assert from "uvu/assert";
import { scope, step } from "../../src/autograd/tape.js";
import { attentionOf } from "../../src/models/attention-maps.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { pointingVit } from "../support/pointing-vit.js";
import { test } from "../support/test.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

/** Two images of noise [2, C, S, S]. */
function noise(channels: number, side: number) {
  const rng = new Rng(3);
  const shape = [2, channels, side, side];
  return fromArray(
    Float32Array.from({ length: 2 * channels * side * side }, () => rng.normal()),
    shape,
  );
}

test("each head of a ViT has a map of its own for each image, which is one patch where it looks at one alone", () => {
  const both = step(() => scope(() => attentionOf(pointingVit(5, 10), noise(3, 16))));
  assert.is(both.length, 2);
  for (const { grid, maps } of both) {
    assert.equal([grid, maps.length], [4, 2]);
    assert.equal(
      maps.map((map) => map.indexOf(Math.max(...map))),
      [5, 10],
    );
  }
});

test("other backbones have one map of cosines", () => {
  for (const encoder of [tinySwin(), tinyResnet()]) {
    const both = step(() => scope(() => attentionOf(encoder, noise(3, 32))));
    for (const { grid, maps } of both) {
      assert.equal([maps.length, maps[0].length], [1, grid * grid]);
      assert.ok(maps[0].every((value) => Math.abs(value) <= 1 + 1e-6));
    }
  }
});
