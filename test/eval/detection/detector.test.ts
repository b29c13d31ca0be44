import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { Detector } from "../../../src/eval/detection/detector.js";
import { init } from "../../../src/runtime/context.js";
import { zeros } from "../../../src/tensor/create.js";
import { Rng } from "../../../src/tensor/random.js";
import { test } from "../../support/test.js";
import { tinyEncoder } from "../../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../../support/tiny-families.js";

await init();
const options = { classes: 3, shortSide: 64, width: 8, towerDepth: 1, rng: new Rng(2) } as const;

test("every family gives predictions for the points of three levels", () => {
  for (const encoder of [tinyEncoder(), tinySwin(), tinyResnet()]) {
    const { family } = encoder.spec;
    const detector = new Detector(encoder, options);
    step(() => {
      const side = 2 * detector.multiple;
      const { points, predictions } = detector.forward(zeros([1, encoder.spec.channels, side, side]));
      assert.is(points.levels.length, detector.pyramid.plan.strides.length, family);
      for (const { stride, height } of points.levels.slice(0, 3)) assert.is(stride * height, side, family);
      assert.equal(predictions.classes.shape, [points.x.length, 3], family);
    });
    detector.dispose();
  }
});

test("parameters are those of pyramid and head, and with a tuned backbone its own", () => {
  const encoder = tinyEncoder();
  const frozen = new Detector(encoder, options);
  const tuned = new Detector(encoder, { ...options, tuneBackbone: true });
  const names = (detector: Detector) => detector.namedParameters().map(([name]) => name);
  assert.ok(names(frozen).every((name) => /^(pyramid|head)\./.test(name)));
  assert.is(frozen.backbone, encoder.backbone);
  assert.is.not(tuned.backbone, encoder.backbone);
  const own = encoder.backbone.namedParameters().map(([name]) => `backbone.${name}`);
  assert.equal(new Set(names(tuned)), new Set([...own, ...names(frozen)]));
  for (const detector of [frozen, tuned]) detector.dispose();
  assert.ok(encoder.backbone.parameters().every((x) => x.storage.alive));
});

test("the width is the encoder's within 64 to 256 unless it is said", () => {
  const { width: _, ...open } = options;
  const detector = new Detector(tinyEncoder(), open);
  assert.is(detector.head.classes.weight.shape[1], 64);
  detector.dispose();
});
