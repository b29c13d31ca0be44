import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ConfigError, ShapeError } from "../../src/errors.js";
import { sinkhornKnopp } from "../../src/ops/sinkhorn.js";
import { init } from "../../src/runtime/context.js";
import { fromArray, zeros } from "../../src/tensor/create.js";
import { seeded } from "../support/kernels.js";
import { storedFixture } from "../support/stored-fixture.js";
import { test } from "../support/test.js";

await init();

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, rtol: number, atol = 0): void {
  assert.is(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const allowed = atol + rtol * Math.abs(expected[i]);
    assert.ok(Math.abs(actual[i] - expected[i]) <= allowed, `entry ${i} is ${actual[i]}, expected ${expected[i]}`);
  }
}

for (const name of ["dino_loss", "ibot_loss"]) {
  test(`targets equal those of the official implementation: ${name}`, () => {
    const get = storedFixture(`golden/${name}.safetensors`);
    const { data, shape } = get("in.teacher_logits");
    step(() => {
      const targets = sinkhornKnopp(fromArray(data as Float32Array, shape), { temperature: 0.055, iterations: 3 });
      close(targets.toArray(), get("out.sinkhorn").data as Float32Array, 1e-4, 1e-6);
    });
  });
}

test("one iteration by hand", () => {
  step(() => {
    // E = [[1, 2], [1, 6]]: columns sum to 2 and 8, so rows become [1/2, 1/4] and [1/2, 3/4], which sum to 3/4 and 5/4.
    const logits = fromArray([0, Math.log(2), 0, Math.log(6)], [2, 2]);
    const targets = sinkhornKnopp(logits, { temperature: 1, iterations: 1 });
    close(targets.toArray(), [2 / 3, 1 / 3, 2 / 5, 3 / 5], 1e-6);
  });
});

test("rows sum to one and, after many iterations, prototypes share the samples evenly", () => {
  const [rows, cols] = [40, 1030];
  const next = seeded(5);
  step(() => {
    const logits = fromArray(
      Float32Array.from({ length: rows * cols }, () => 0.2 * next()),
      [rows, cols],
    );
    const targets = sinkhornKnopp(logits, { temperature: 0.05, iterations: 60 }).toArray();
    const rowSums = new Float64Array(rows);
    const columnSums = new Float64Array(cols);
    targets.forEach((q, i) => {
      rowSums[Math.floor(i / cols)] += q;
      columnSums[i % cols] += q;
    });
    close(
      rowSums,
      rowSums.map(() => 1),
      1e-5,
    );
    close(
      columnSums,
      columnSums.map(() => rows / cols),
      1e-3,
    );
  });
});

test("adding a constant to all logits changes nothing", () => {
  step(() => {
    const values = [0.3, -0.2, 0.9, 0.1, 0.4, -0.7];
    const at = (shift: number) =>
      sinkhornKnopp(
        fromArray(
          values.map((x) => x + shift),
          [2, 3],
        ),
        { temperature: 0.1 },
      ).toArray();
    close(at(-100), at(0), 1e-3);
  });
});

test("logits far apart give finite targets", () => {
  step(() => {
    const targets = sinkhornKnopp(fromArray([1000, -1000, -1000, -1000, -1000, -1000], [3, 2]), {
      temperature: 0.04,
    }).toArray();
    assert.ok(targets.every(Number.isFinite));
    for (let r = 0; r < 3; r++) close([targets[2 * r] + targets[2 * r + 1]], [1], 1e-5);
  });
});

test("a NaN logit shows in the targets", () => {
  step(() => {
    const targets = sinkhornKnopp(fromArray([0, Number.NaN, 0, 0], [2, 2]), { temperature: 1 }).toArray();
    assert.ok(targets.some(Number.isNaN));
  });
});

test("a single row is uniform, no rows give no targets", () => {
  step(() => {
    close(sinkhornKnopp(fromArray([1, 2, 3, 4], [1, 4]), { temperature: 1 }).toArray(), [0.25, 0.25, 0.25, 0.25], 1e-6);
    assert.equal(sinkhornKnopp(zeros([0, 4]), { temperature: 1 }).shape, [0, 4]);
  });
});

test("strided logits, other ranks, and settings out of range are refused", () => {
  step(() => {
    const isShape = (pattern: RegExp) => (error: Error) => error instanceof ShapeError && pattern.test(error.message);
    const isConfig = (pattern: RegExp) => (error: Error) => error instanceof ConfigError && pattern.test(error.message);
    assert.throws(() => sinkhornKnopp(zeros([2, 4]).narrow(1, 0, 3), { temperature: 1 }), isShape(/strided view/));
    assert.throws(() => sinkhornKnopp(zeros([4]), { temperature: 1 }), isShape(/\[4\], expected \[R, K\]/));
    assert.throws(() => sinkhornKnopp(zeros([2, 2]), { temperature: 0 }), isConfig(/temperature is 0/));
    assert.throws(() => sinkhornKnopp(zeros([2, 2]), { temperature: 1, iterations: 0 }), isConfig(/iterations is 0/));
  });
});
