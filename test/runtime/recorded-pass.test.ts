import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { gelu } from "../../src/ops/activation.js";
import { add } from "../../src/ops/elementwise.js";
import { init, runtime } from "../../src/runtime/context.js";
import { RecordedPass } from "../../src/runtime/recorded-pass.js";
import { fromArray, persistent } from "../../src/tensor/create.js";
import { test } from "../support/test.js";

await init();
const x = persistent([2, 2]);

/** Numbers in linear memory. */
const read = (start: number, count: number) => [...runtime().heap.f32.slice(start, start + count)];

/** Overwrites what steps leave behind. */
const disturb = () => step(() => void fromArray(new Float32Array(4096).fill(7), [4096]));

/** x, to which numbers are added that are written from outside in the middle of the pass. */
const shifted = (input: ArrayLike<number>) => () => {
  x.write(input);
  return step(() => {
    const bias = fromArray([10, 20, 30, 40], [2, 2]);
    return add(gelu(x), bias).ptr / 4;
  });
};

test("a pass that is done again does to another input what it has done to the first", () => {
  const first = [1, -1, 2, 0];
  const { value: start, pass } = RecordedPass.of(first, shifted(first));
  const ordinary = (input: number[]) => read(shifted(input)(), 4);
  assert.equal(read(start, 4), ordinary(first));
  for (const input of [[3, 1, -2, 5], Float32Array.of(0.5, 0.25, 8, -1)]) {
    disturb();
    pass!.run(input);
    const again = read(start, 4);
    disturb();
    assert.equal(again, ordinary([...input]));
  }
});

test("copies and numbers that are written one by one are done again", () => {
  const input = [1, 2];
  const { pass } = RecordedPass.of(input, () => {
    x.narrow(0, 0, 1).write(input);
    x.narrow(1, 1, 1).write([8, 9]); // strided
    runtime().heap.copy(x.ptr + 8, x.ptr, 4);
  });
  assert.equal([...x.toArray()], [1, 8, 1, 9]);
  x.write([0, 0, 0, 0]);
  pass!.run([5, 6]);
  assert.equal([...x.toArray()], [5, 8, 5, 9]);
});

test("a pass that looks at its numbers, or never takes the input, is not one to be done again", () => {
  const input = [1, 2, 3, 4];
  const looks = RecordedPass.of(input, () => {
    x.write(input);
    return x.toArray()[1];
  });
  assert.equal([looks.value, looks.pass], [2, null]);
  assert.is(RecordedPass.of(input, () => x.write([4, 3, 2, 1])).pass, null);
});

test("it runs only with the runtime of its recording, and in no step of others", async () => {
  const input = [1, 2, 3, 4];
  const pass = RecordedPass.of(input, shifted(input)).pass!;
  assert.ok(pass.runnable);
  assert.not.ok(step(() => pass.runnable));
  assert.ok(pass.runnable);
  await init();
  assert.not.ok(pass.runnable);
});
