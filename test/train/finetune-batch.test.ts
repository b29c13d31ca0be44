import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import type { ImageBatch } from "../../src/data/loader.js";
import { DataError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { LabelledBatchMaker } from "../../src/train/finetune-batch.js";
import { tinyTuning } from "../support/fine-tuning.js";
import { refuses } from "../support/refuses.js";
import { squareImage } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const { spec } = tinyEncoder();
const batch: ImageBatch = {
  ...{ iteration: 0, pass: 0, images: [0, 1, 2, 3].map((i) => squareImage(i)) },
  ...{ indices: Int32Array.of(0, 1, 2, 3), looks: Int32Array.of(0, 0, 0, 0), labels: Int32Array.of(0, 1, 0, 1) },
};

/** Images and targets of a batch, copied out. */
function made(changes: Parameters<typeof tinyTuning>[0], iteration = 0, micro = 0): [number[], number[]] {
  const maker = new LabelledBatchMaker(tinyTuning(changes), spec, 2);
  try {
    return step(() => {
      const { images, targets } = maker.make(batch, iteration, micro);
      return [[...images.toArray()], [...targets.toArray()]] as [number[], number[]];
    });
  } finally {
    maker.dispose();
  }
}

test("without a mix targets are the smoothed labels; with one they follow its share, as images do", () => {
  const [images, targets] = made({ smoothing: 0.2 });
  assert.equal(
    targets.map((value) => Math.round(10 * value)),
    [9, 1, 1, 9, 9, 1, 1, 9],
  );
  const [mixed, soft] = made({ smoothing: 0, mixup: 0.8, cutmix: 0 });
  const [share] = soft;
  assert.ok(share > 0 && share < 1);
  const size = images.length / 4;
  for (const at of [0, 100, 500]) {
    const expected = share * images[at] + (1 - share) * images[3 * size + at];
    assert.ok(Math.abs(mixed[at] - expected) < 1e-5);
  }
});

test("the mix depends on iteration and micro-batch", () => {
  const target = (iteration: number, micro: number) => made({ mixup: 0.8, cutmix: 1 }, iteration, micro)[1];
  assert.equal(target(3, 1), target(3, 1));
  assert.not.equal(target(3, 1), target(3, 0));
  assert.not.equal(target(3, 1), target(4, 1));
});

test("images without labels are refused", () => {
  const maker = new LabelledBatchMaker(tinyTuning(), spec, 2);
  refuses(() => step(() => void maker.make({ ...batch, labels: null }, 0, 0)), DataError, "no labels");
});
