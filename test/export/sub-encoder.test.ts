import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError } from "../../src/errors.js";
import { subEncoder } from "../../src/export/sub-encoder.js";
import { type Encoder, sliceEncoder } from "../../src/models/encoder.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

function features({ backbone, spec }: Encoder): Float32Array {
  const shape = [2, 3, spec.imageSize, spec.imageSize];
  return step(() => backbone.classToken(fromArray(numbers(shape, 4), shape)).toArray()) as Float32Array;
}

test("a part of a full network of any family is a network of its own that computes what the slice does", () => {
  for (const [full, name, network] of [
    [tinyEncoder({ width: 32, depth: 3 }), "24x2", { width: 24, depth: 2 }],
    [tinySwin(), "4x3", { width: 4, depth: 3 }],
    [tinyResnet({ width: 8, norm: "group", groups: 2 }), "6x1x2", { width: 6, depth: [1, 1, 2, 1] }],
  ] as const) {
    const part = subEncoder(full, name);
    const slice = sliceEncoder(full, network);
    assert.equal(part.spec, slice.spec);
    const expected = features(slice);
    for (const [i, value] of features(part).entries()) assert.ok(Math.abs(value - expected[i]) <= 1e-5);
    const own = [...part.backbone.stateDict().values()];
    assert.not.ok(own.some((x) => [...full.backbone.stateDict().values()].some((y) => y.storage === x.storage)));
  }
});

test("a network that cannot be cut from it is refused with the nearest ones", () => {
  refuses(() => subEncoder(tinyEncoder(), "12x1"), ConfigError, "Nearest: 8x1, 16x1");
  refuses(() => subEncoder(tinySwin(), "16x4"), ConfigError, "Nearest:");
});
