import * as assert from "uvu/assert";
import { ShapeError } from "../../src/errors.js";
import { buffer, Module } from "../../src/nn/module.js";
import { ema } from "../../src/optim/ema.js";
import { init } from "../../src/runtime/context.js";
import { full, parameter } from "../../src/tensor/create.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

class Net extends Module {
  readonly weight = parameter([5], () => 0);
  readonly running = buffer(full([1], 0));

  constructor(value: number) {
    super();
    this.weight.write(new Array(5).fill(value));
    this.running.write([value]);
  }
}

class Other extends Module {
  readonly weight = parameter([4], () => 0);
}

class Larger extends Net {
  readonly extra = parameter([1], () => 0);
}

test("the teacher moves by one minus the momentum, buffers stay", async () => {
  await initDouble();
  const [teacher, student] = [new Net(1), new Net(3)];
  ema(teacher, student, 0.99);
  for (const value of teacher.weight.toArray()) assert.ok(Math.abs(value - 1.02) < 1e-15);
  assert.is(teacher.running.item(), 1);
  assert.equal([...student.weight.toArray()], [3, 3, 3, 3, 3]);
});

test("momentum 0 copies the student, momentum 1 changes nothing", async () => {
  await init();
  const [teacher, student] = [new Net(0.1), new Net(0.7)];
  ema(teacher, student, 1);
  assert.is(teacher.weight.toArray()[4], Math.fround(0.1));
  ema(teacher, student, 0);
  assert.ok(Math.abs(teacher.weight.toArray()[4] - 0.7) < 1e-7);
});

test("many steps with a momentum near one arrive where double precision does", async () => {
  await init();
  const [teacher, student] = [new Net(0), new Net(1)];
  for (let i = 0; i < 2000; i++) ema(teacher, student, 0.999);
  const expected = 1 - 0.999 ** 2000;
  assert.ok(Math.abs(teacher.weight.toArray()[0] - expected) < 1e-5);
});

test("modules with other parameters are refused", async () => {
  await init();
  const isShape = (pattern: RegExp) => (error: Error) => error instanceof ShapeError && pattern.test(error.message);
  assert.throws(() => ema(new Net(1), new Other(), 0.9), isShape(/no weight of 5 elements/));
  assert.throws(() => ema(new Net(1), new Larger(1), 0.9), isShape(/2 parameters, the teacher 1/));
});
