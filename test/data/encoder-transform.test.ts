import * as assert from "uvu/assert";
import { EncoderTransform } from "../../src/data/encoder-transform.js";
import { EvalTransform, usualGeometry } from "../../src/data/eval-transform.js";
import { init, memory } from "../../src/runtime/context.js";
import { noiseImage } from "../support/image-bytes.js";
import { test } from "../support/test.js";

await init();
const door = { imageSize: 14, channels: 3, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };

test("images of the encoder's size are taken as they are, others through the usual geometry, or all through a given one", () => {
  const images = [noiseImage({ width: 14, height: 14, seed: 1 }), noiseImage({ width: 30, height: 20, seed: 2 })];
  const used = memory().persistentBytes;
  const stretch = { kind: "stretch", size: 14 } as const;
  for (const [given, geometries] of [
    [undefined, [{ kind: "none", size: 14 } as const, usualGeometry(14)]],
    [stretch, [stretch, stretch]],
  ] as const) {
    const transform = new EncoderTransform(door, given);
    const batch = transform.allocate(3);
    transform.write(images, batch);
    images.forEach((image, i) => {
      const alone = new EvalTransform({ ...door, geometry: geometries[i] });
      const expected = alone.allocate(1);
      alone.write([image], expected);
      assert.equal([...batch.narrow(0, i, 1).toArray()], [...expected.toArray()]);
      expected.dispose();
      alone.dispose();
    });
    batch.dispose();
    transform.dispose();
  }
  assert.is(memory().persistentBytes, used);
});
