import * as assert from "uvu/assert";
import { EvalTransform, type EvalTransformOptions } from "../../src/data/eval-transform.js";
import { init } from "../../src/runtime/context.js";
import { persistent } from "../../src/tensor/create.js";
import { assertLevels, bytesOf, imageOf, noiseImage } from "../support/image-bytes.js";
import { storedFixture } from "../support/stored-fixture.js";
import { test } from "../support/test.js";

await init();

const plain = { channels: 3, mean: [0, 0, 0], std: [1, 1, 1] };

test("a resize to a short side and a centre crop equal torchvision on a Pillow image", () => {
  const golden = storedFixture("golden/augment_ops.safetensors");
  const transform = new EvalTransform({ ...plain, geometry: { kind: "crop", shortSide: 28, size: 24 } });
  const result = transform.bytes(imageOf(golden("in.image")));
  assertLevels(bytesOf(result, 3), golden("out.resize28_center24"), 0, "resize and centre crop");
});

test("stretching brings both sides to the size", () => {
  const pillow = storedFixture("pillow/images.safetensors");
  const square = { width: 5, height: 9, channels: 3, data: new Uint8Array(135).fill(77) };
  const transform = new EvalTransform({ ...plain, geometry: { kind: "stretch", size: 7 }, filter: "bilinear" });
  assert.equal(bytesOf(transform.bytes(square), 3), new Uint8Array(147).fill(77));
  assert.is(transform.bytes(imageOf(pillow("in.rgb"))).width, 7);
});

test("images of the right size pass unchanged without a resize, normalised", () => {
  const image = noiseImage({ width: 6, height: 6 });
  const transform = new EvalTransform({
    channels: 3,
    mean: [0.5, 0.25, 0],
    std: [0.5, 1, 2],
    geometry: { kind: "none", size: 6 },
  });
  const target = transform.allocate(1);
  transform.write([image], target);
  const expected = [0, 1, 2].flatMap((c) =>
    Array.from({ length: 36 }, (_, i) => (image.data[3 * i + c] / 255 - [0.5, 0.25, 0][c]) / [0.5, 1, 2][c]),
  );
  target.toArray().forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 1e-6, `entry ${i}`);
  });
});

test("a batch fills its rows in order and leaves the rest of a longer target", () => {
  const transform = new EvalTransform({ ...plain, geometry: { kind: "stretch", size: 4 } });
  const flat = (value: number) => ({ width: 3, height: 5, channels: 3, data: new Uint8Array(45).fill(value) });
  const target = persistent([3, 3, 4, 4]);
  target.write(new Float32Array(144).fill(-1));
  transform.write([flat(0), flat(255)], target);
  const values = target.toArray();
  assert.equal([values[0], values[47], values[48], values[95], values[96]], [0, 0, 1, 1, -1]);
});

test("an image of another size is refused without a resize", () => {
  const transform = new EvalTransform({ ...plain, geometry: { kind: "none", size: 6 } });
  assert.throws(() => transform.bytes(noiseImage({ width: 7, height: 6 })), /the image is 7 × 6, expected 6 × 6/);
});

test("a target of another shape is refused", () => {
  const transform = new EvalTransform({ ...plain, geometry: { kind: "none", size: 6 } });
  const image = noiseImage({ width: 6, height: 6 });
  assert.throws(
    () => transform.write([image], persistent([1, 3, 6, 7])),
    /target is \[1, 3, 6, 7\] f32, expected a dense f32 \[1, 3, 6, 6\]/,
  );
  assert.throws(() => transform.write([image, image], transform.allocate(1)), /expected a dense f32 \[2, 3, 6, 6\]/);
});

for (const [geometry, message] of [
  [{ kind: "crop", shortSide: 20, size: 24 }, /a crop of 24 does not fit a short side of 20/],
  [{ kind: "stretch", size: 0 }, /sizes are 0; expected positive whole numbers/],
] as [EvalTransformOptions["geometry"], RegExp][]) {
  test(`evaluation refuses ${JSON.stringify(geometry)}`, () => {
    assert.throws(() => new EvalTransform({ ...plain, geometry }), message);
  });
}
