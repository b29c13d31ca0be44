import * as assert from "uvu/assert";
import { softmax } from "../../src/ops/softmax.js";
import type { PoaBatch } from "../../src/poa/batch.js";
import { type Centering, SoftmaxCentering, sinkhornCentering } from "../../src/poa/centering.js";
import { accumulateGradients, type PoaState } from "../../src/poa/step.js";
import { fromArray } from "../../src/tensor/create.js";
import { numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";
import { tinySettings, tinyState } from "../support/tiny-run.js";

const LOCALS = 3;

/** The crops of the given images; each global crop has one masked patch. */
function batchOf(images: readonly number[]): PoaBatch {
  const crops = (count: number, side: number, stream: number) => {
    const keys = Array.from({ length: count }, (_, crop) => images.map((image) => stream + 100 * crop + image)).flat();
    const values = keys.flatMap((key) => [...numbers([3, side, side], key)]);
    return fromArray(values, [keys.length, 3, side, side]);
  };
  const rows = 2 * images.length;
  const indices = Int32Array.from({ length: rows }, (_, row) => 4 * row + (images[row % images.length] % 4));
  const masks = new Int32Array(4 * rows);
  for (const index of indices) masks[index] = 1;
  return {
    images: images.length,
    globals: crops(2, 8, 1),
    locals: crops(LOCALS, 4, 5000),
    masked: { masks: fromArray(masks, [rows, 4], "i32"), indices, weights: new Float32Array(rows).fill(1) },
  };
}

interface Case {
  centering: () => Centering;
  koleo?: number;
}

/** How far the gradients of four images, and of two times two, are apart and their losses, relative to the largest. */
async function distance({ centering, koleo = 0 }: Case): Promise<number> {
  const outcomes = [];
  for (const batches of [
    [[0, 1, 2, 3]],
    [
      [0, 1],
      [2, 3],
    ],
  ]) {
    await initDouble();
    const built = tinyState();
    const centerings = [centering(), centering()];
    const state: PoaState = { ...built, classCentering: centerings, patchCentering: centerings };
    const settings = tinySettings(state, { weights: { lambda: 0.8, dino: 1.5, ibot: 0.7, koleo } });
    let loss = 0;
    for (const images of batches) {
      loss += accumulateGradients(state, batchOf(images), settings, 1 / batches.length).loss / batches.length;
    }
    outcomes.push([loss, ...state.student.parameters().flatMap((x) => Array.from(gradientOf(x)))]);
  }
  const [whole, parts] = outcomes;
  const largest = Math.max(...whole.map(Math.abs));
  return Math.max(...whole.map((value, i) => Math.abs(value - parts[i]))) / largest;
}

/** Targets that are functions of their own row alone. */
const rowWise = (): Centering => ({
  targets: (logits, temperature) => softmax(logits, { temperature }),
  mark: () => () => {},
});

test("micro-batches equal the large batch in every loss that is a mean over rows", async () => {
  const apart = await distance({ centering: rowWise });
  assert.ok(apart < 1e-12, `${apart}`);
});

test("they differ from it where images of a batch are compared: KoLeo, Sinkhorn-Knopp, and a centre that moves", async () => {
  const prototypes = [6, 5]; // of the two heads
  let made = 0;
  for (const [name, differing] of Object.entries({
    koleo: { centering: rowWise, koleo: 0.3 },
    sinkhorn: { centering: () => sinkhornCentering(3) },
    centre: { centering: () => new SoftmaxCentering(prototypes[made++ % 2]) },
  })) {
    const apart = await distance(differing);
    assert.ok(apart > 1e-5 && apart < 1, `${name}: ${apart}`);
  }
});
