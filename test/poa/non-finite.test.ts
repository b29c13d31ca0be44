import * as assert from "uvu/assert";
import { nonFiniteTensors } from "../../src/poa/non-finite.js";
import { poaStep } from "../../src/poa/step.js";
import { init } from "../../src/runtime/context.js";
import { test } from "../support/test.js";
import { tinyBatch, tinySettings, tinyState } from "../support/tiny-run.js";

await init();

test("sound weights are not named", () => {
  const state = tinyState();
  assert.equal(nonFiniteTensors(state), []);
});

test("a weight with numbers that are not finite is told with their count and the range of the others", () => {
  const state = tinyState();
  const [name, x] = state.student.namedParameters().find(([, { numel }]) => numel >= 8)!;
  const values = new Float32Array(x.numel).fill(0.5);
  values.set([Number.NaN, Number.NaN, Number.NEGATIVE_INFINITY, -2, 3]);
  x.write(values);
  assert.equal(nonFiniteTensors(state), [
    { name: `student ${name}`, shape: x.shape, nan: 2, infinite: 1, min: -2, max: 3 },
  ]);
  const [ofTeacher, y] = state.teacher.namedParameters()[0];
  y.write(new Float32Array(y.numel).fill(Number.NaN));
  assert.equal(nonFiniteTensors(state)[1], {
    ...{ name: `teacher ${ofTeacher}`, shape: y.shape, nan: y.numel, infinite: 0, min: null, max: null },
  });
});

test("a step that was skipped tells the gradients as backward left them, and a good one tells none", () => {
  const state = tinyState();
  assert.equal(poaStep(state, [() => tinyBatch()], tinySettings(state)).nonFinite, []);
  const [name, x] = state.student.namedParameters().find(([path]) => path.startsWith("dino_head"))!;
  x.write(new Float32Array(x.numel).fill(Number.NaN));
  const { updated, nonFinite } = poaStep(state, [() => tinyBatch()], tinySettings(state));
  assert.is(updated, false);
  assert.is(nonFinite[0].name, `student ${name}`);
  const gradients = nonFinite.filter(({ name }) => name.startsWith("gradient of "));
  assert.ok(gradients.length > 1);
  assert.ok(nonFinite.every(({ nan, infinite }) => nan + infinite > 0));
  assert.equal(
    nonFiniteTensors(state).map(({ name }) => name),
    [`student ${name}`],
    "gradients are gone after the step",
  );
});
