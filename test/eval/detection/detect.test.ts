import * as assert from "uvu/assert";
import { detectionSource } from "../../../src/data/detection.js";
import { DataError } from "../../../src/errors.js";
import { iouOf } from "../../../src/eval/detection/box.js";
import { detectObjects } from "../../../src/eval/detection/detect.js";
import { Detector } from "../../../src/eval/detection/detector.js";
import { init } from "../../../src/runtime/context.js";
import { Rng } from "../../../src/tensor/random.js";
import { close } from "../../support/close.js";
import { noiseImage } from "../../support/image-bytes.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";

await init();

/** Images of 60 × 30 pixels, of which the second is broken. */
const source = detectionSource(
  {
    ...{ name: "noise", classes: ["a", "b"], categoryIds: [1, 2] },
    images: [0, 1, 2].map((i) => ({ path: `${i}`, id: i, objects: [] })),
  },
  (path) => {
    if (path === "1") throw new DataError("1: is broken.");
    return noiseImage({ width: 60, height: 30, seed: 1 + Number(path) });
  },
);

/** A detector that says the same of every point. */
function constantDetector(logits: number[], distances: number[], centreness: number): Detector {
  const options = { classes: 2, shortSide: 60, width: 8, towerDepth: 0, rng: new Rng(1) };
  const detector = new Detector(tinyEncoder(), options);
  const { head } = detector;
  for (const conv of [head.classes, head.distances, head.centreness])
    conv.weight.write(new Float32Array(conv.weight.numel));
  head.classes.bias!.write(logits);
  head.distances.bias!.write(distances);
  head.centreness.bias!.write([centreness]);
  return detector;
}

test("boxes are distances in strides about the points, in pixels of the stored image; broken images are left out", async () => {
  const detector = constantDetector([-9, Math.log(3)], [0.5, 0.5, 0.5, 0.5], 0);
  const warnings: string[] = [];
  const found = await detectObjects(source, detector, { onWarning: (message) => warnings.push(message) });
  detector.dispose();
  assert.equal([found.map(({ index }) => index), warnings], [[0, 2], ["1: is broken. Left out."]]);
  // At 100 × 50 pixels (5/3 of 60 is 100) every point of strides 4, 8 and 16 says that its own cell is an object.
  const [{ detections }] = found;
  assert.is(detections.length, 100);
  for (const { label, score, box } of detections) {
    assert.is(label, 1);
    assert.ok(Math.abs(score - Math.sqrt(0.75 * 0.5)) < 1e-6);
    assert.ok(box[0] >= 0 && box[1] >= 0 && box[2] <= 60 && box[3] <= 30 && box[2] > box[0] && box[3] > box[1]);
  }
  close([...detections[0].box], [0, 0, 4 * 0.6, 4 * 0.6], 1e-6);
  close([...detections[1].box], [4 * 0.6, 0, 8 * 0.6, 4 * 0.6], 1e-6);
});

test("overlapping boxes of a class are suppressed, those of another are not", async () => {
  const detector = constantDetector([0, 1], [40, 40, 40, 40], 2);
  const [{ detections }] = await detectObjects(source, detector);
  detector.dispose();
  for (const label of [0, 1]) {
    const own = detections.filter((detection) => detection.label === label);
    assert.ok(own.length >= 1);
    for (const [i, a] of own.entries()) for (const b of own.slice(i + 1)) assert.ok(iouOf(a.box, b.box) <= 0.6 + 1e-9);
  }
});

test("what is improbable is no detection", async () => {
  const detector = constantDetector([-3, -4], [1, 1, 1, 1], 9); // 0.047 and 0.018
  assert.equal((await detectObjects(source, detector))[0].detections, []);
  detector.dispose();
});

test("with strict the first broken image ends it", async () => {
  const detector = constantDetector([-3, -4], [1, 1, 1, 1], 9);
  try {
    await detectObjects(source, detector, { strict: true });
  } catch (error) {
    assert.instance(error, DataError);
    return detector.dispose();
  }
  assert.unreachable();
});
