import * as assert from "uvu/assert";
import { noGrad, step } from "../../src/autograd/tape.js";
import { concatRows } from "../../src/ops/concat.js";
import { gatherRows } from "../../src/ops/gather.js";
import { init } from "../../src/runtime/context.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";
import { tinyBatch, tinyState } from "../support/tiny-run.js";

function same(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  const shapes = (tensors: readonly Tensor[]) => tensors.map(({ shape }) => shape);
  assert.equal(shapes(actual), shapes(expected));
  for (const h of actual.keys()) close(actual[h].toArray(), expected[h].toArray(), 1e-12, `head ${h}, entry`);
}

test("a student sees masked global crops, whole local crops, and masked patches through the same heads", async () => {
  await initDouble();
  for (const separate of [false, true]) {
    const { student } = tinyState({ ibot: { separate_head: separate } });
    const batch = tinyBatch();
    step(() =>
      noGrad(() => {
        const output = student.forwardGlobal(batch, null);
        const global = student.backbone.forward(batch.globals, { masks: batch.masked!.masks });
        same([output.features], [global.classToken]);
        same(output.logits, student.dino_head.forward(global.classToken));
        const local = student.forwardLocal(batch.locals!, null);
        same(local, student.dino_head.forward(student.backbone.forward(batch.locals!).classToken));
        const heads = student.ibot_head ?? student.dino_head;
        same(output.patch, heads.forward(gatherRows(global.patchTokens, batch.masked!.indices)));
        assert.is(output.patch[0].shape[1], separate ? 7 : 6);
      }),
    );
  }
});

test("without masks there are no logits of patches", async () => {
  await init();
  for (const separate of [false, true]) {
    const { student, teacher } = tinyState({ ibot: { separate_head: separate } });
    const batch = tinyBatch(1, { locals: 0, masked: false });
    step(() => {
      const { patch, logits } = student.forwardGlobal(batch, null);
      assert.equal(patch, []);
      assert.equal(
        logits.map(({ shape }) => shape),
        [
          [4, 6],
          [4, 5],
        ],
      );
      assert.equal(teacher.forwardTeacher(batch).patch, []);
    });
  }
});

test("the teacher sees whole crops, the two crops swapped", async () => {
  await initDouble();
  const { teacher } = tinyState();
  const batch = tinyBatch();
  step(() =>
    noGrad(() => {
      const { classToken, patchTokens } = teacher.backbone.forward(batch.globals);
      const swapped = concatRows([2, 3, 0, 1].map((row) => classToken.narrow(0, row, 1)));
      const output = teacher.forwardTeacher(batch);
      same(output.logits, teacher.dino_head.forward(swapped));
      same(output.patch, teacher.dino_head.forward(gatherRows(patchTokens, batch.masked!.indices)));
    }),
  );
});

test("stochastic depth reaches both passes of a student and none of the teacher", async () => {
  await init();
  const { student, teacher } = tinyState();
  const batches: number[] = [];
  const dropPath = (batch: number) => {
    batches.push(batch);
    return {};
  };
  step(() => {
    student.forwardGlobal(tinyBatch(), dropPath);
    student.forwardLocal(tinyBatch().locals!, dropPath);
  });
  assert.equal(batches, [4, 4, 4, 4, 6, 6, 6, 6]); // two branches in each of two blocks, global then local crops
  step(() => teacher.forwardTeacher(tinyBatch()).logits.length);
  assert.is(batches.length, 8);
});

test("a slice narrows backbone and heads and shares their tensors", async () => {
  await init();
  const { student } = tinyState({ ibot: { separate_head: true } });
  const slice = student.slice(student.backbone.slice({ width: 4, depth: 1 }));
  assert.equal(
    [...slice.stateDict().keys()].filter((name) => name.includes("head")),
    [...student.stateDict().keys()].filter((name) => name.includes("head")),
  );
  assert.equal(slice.dino_head.mlp0["0"].weight.shape, [8, 4]);
  assert.equal(slice.ibot_head!.mlp1["0"].weight.shape, [8, 4]);
  assert.is(slice.dino_head.mlp0["0"].weight.storage, student.dino_head.mlp0["0"].weight.storage);
  step(() => assert.equal(slice.forwardGlobal(tinyBatch(), null).features.shape, [4, 4]));
});

test("names are those of a checkpoint: backbone, dino_head, and ibot_head where it has its own", async () => {
  await init();
  const parts = (separate: boolean) =>
    new Set(
      [
        ...tinyState({ ibot: { separate_head: separate } })
          .student.stateDict()
          .keys(),
      ].map((name) => name.split(".")[0]),
    );
  assert.equal([...parts(false)], ["backbone", "dino_head"]);
  assert.equal([...parts(true)], ["backbone", "dino_head", "ibot_head"]);
});
