import * as assert from "uvu/assert";
import { handOver } from "../../src/autograd/gradient.js";
import { backward, noGrad, record, scope, scopeUnlessRecording, step } from "../../src/autograd/tape.js";
import { MemoryError, ReleasedError, ShapeError } from "../../src/errors.js";
import { Linear } from "../../src/nn/linear.js";
import { gelu } from "../../src/ops/activation.js";
import { add, multiply, scale } from "../../src/ops/elementwise.js";
import { mean, sum } from "../../src/ops/reduce.js";
import { AdamW } from "../../src/optim/adamw.js";
import { init, memory } from "../../src/runtime/context.js";
import { empty, fromArray, full, parameter } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradientOf } from "../support/gradient.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const parameterOf = (...numbers: number[]) => {
  const x = parameter([numbers.length], () => 0);
  x.write(numbers);
  return x;
};
const values = (x: Tensor) => [...x.toArray()];
const gradient = (x: Tensor) => [...Array.from(gradientOf(x))];

test("a step returns plain values and releases its memory", async () => {
  await init();
  assert.is(
    step(() => sum(full([4], 2)).item()),
    8,
  );
  assert.is(memory().stepBytes, 0);
  assert.is(memory().persistentBytes, 0);
});

test("returned tensors survive alone, in arrays and in objects, however nested", async () => {
  await init();
  const alone = step(() => full([2], 1));
  const { list, deep, text, none } = step(() => {
    full([100], Number.NaN);
    return { list: [full([2], 2), full([2], 3)], deep: { at: [{ x: full([2], 4) }] }, text: "text", none: null };
  });
  step(() => full([1000], Number.NaN).numel);
  assert.equal([alone, ...list, deep.at[0].x].map(values), [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
  ]);
  assert.equal([text, none], ["text", null]);
});

test("a returned view keeps its elements, and a tensor from outside is returned as it is", async () => {
  await init();
  const outside = full([2], 9);
  const [column, same] = step(() => [fromArray([1, 2, 3, 4], [2, 2]).select(1, 1), outside]);
  assert.equal(values(column), [2, 4]);
  assert.is(same, outside);
  column.dispose();
  assert.is(memory().persistentBytes, 64);
});

test("tensors returned from a nested step or scope move down and stay valid until the outer ends", async () => {
  await init();
  step(() => {
    const before = full([16], 1); // 64 bytes
    const [kept, shared, sharing] = scope(() => {
      full([1000], Number.NaN);
      const a = full([160], 2);
      full([1000], Number.NaN);
      const b = full([32], 3);
      return [a, b, b.narrow(0, 3, 4)];
    });
    assert.is(memory().stepBytes, 64 + 640 + 128);
    full([5000], Number.NaN);
    assert.equal(values(before), new Array(16).fill(1));
    assert.equal(values(kept), new Array(160).fill(2));
    assert.equal(values(shared), new Array(32).fill(3));
    assert.is(shared.storage, sharing.storage);
    const inner = step(() => full([2], 5));
    full([16], Number.NaN);
    assert.equal(values(inner), [5, 5]);
  });
});

test("survivors that lay in several segments keep their elements as they move down", async () => {
  await init();
  const sizes = [700_000, 100, 900_000, 300_000, 50, 1_200_000];
  step(() => {
    const kept = scope(() => {
      full([900_000], Number.NaN);
      return sizes.map((size, i) => {
        full([40_000], Number.NaN);
        return full([size], i);
      });
    });
    kept.forEach((x, i) => {
      assert.is(x.numel, sizes[i]);
      assert.ok(
        x.toArray().every((value) => value === i),
        `survivor ${i}`,
      );
    });
  });
});

test("a throw ends the step, and the next one starts where it started", async () => {
  await init();
  const failing = () =>
    step(() => {
      full([100], 1);
      scope(() => {
        full([100], 1);
        throw new Error("inside");
      });
    });
  assert.throws(failing, "inside");
  assert.is(memory().stepBytes, 0);
  const w = parameterOf(1);
  step(() => sum(multiply(w, w)).backward());
  assert.equal(gradient(w), [2]);
});

test("a step that cannot keep its result ends all the same", async () => {
  await init({ memory: "16MiB" });
  const x = full([1], 1); // the first persistent segment
  const large = () => step(() => empty([6 << 18])); // 6 MiB fit once, not twice
  refuses(large, MemoryError, "16 MiB are allowed");
  assert.is(memory().stepBytes, 0);
  refuses(large, MemoryError, "16 MiB are allowed");
  assert.equal(values(x), [1]);
});

test("a function that returns a Promise is refused, since its memory is gone when it resolves", async () => {
  await init();
  refuses(() => step(async () => 1), ShapeError, "step: the function returned a Promise; it must be synchronous.");
  refuses(() => scope(() => Promise.resolve(1)), ShapeError, "scope: the function returned a Promise");
  assert.is(memory().stepBytes, 0);
});

test("gradients of several backward passes add up until they are consumed", async () => {
  await init();
  const w = parameterOf(1, 2, 3);
  step(() => {
    sum(multiply(w, fromArray([1, 10, 100], [3]))).backward();
    sum(scale(w, 2)).backward();
  });
  step(() => sum(w).backward());
  assert.equal(gradient(w), [4, 13, 103]);
  new AdamW([w]).discardGradients();
  assert.is(w.grad(), null);
  step(() => sum(w).backward());
  assert.equal(gradient(w), [1, 1, 1]);
});

test("a value used twice gets the sum of both gradients", async () => {
  await init();
  const w = parameterOf(3);
  step(() => {
    const y = scale(w, 2);
    sum(add(multiply(y, y), y)).backward(); // d(4w² + 2w) = 8w + 2
  });
  assert.equal(gradient(w), [26]);
});

test("under noGrad nothing is recorded, and recording goes on after it, also after a throw", async () => {
  await init();
  const w = parameterOf(2);
  step(() => {
    const constant = noGrad(() => multiply(w, w));
    assert.not.ok(constant.tracked);
    assert.throws(() =>
      noGrad(() => {
        throw new Error("inside");
      }),
    );
    sum(multiply(constant, w)).backward();
  });
  assert.equal(gradient(w), [4]);
});

test("a scope records nothing; scopeUnlessRecording opens one only where nothing is recorded", async () => {
  await init();
  const w = parameterOf(2);
  step(() => {
    const inScope = scope(() => multiply(w, w));
    assert.not.ok(inScope.tracked);
    const used = memory().stepBytes;
    const temporary = () => {
      full([1000], 1);
      return multiply(w, w);
    };
    const quiet = noGrad(() => scopeUnlessRecording(temporary));
    assert.is(memory().stepBytes, used + 64);
    const recorded = scopeUnlessRecording(temporary);
    assert.ok(memory().stepBytes > used + 4000);
    assert.equal([quiet.tracked, recorded.tracked], [false, true]);
    sum(recorded).backward();
  });
  assert.equal(gradient(w), [4]);
});

test("only a scalar is differentiated without a cotangent, and only a dense tensor with one", async () => {
  await init();
  const w = parameterOf(1, 2, 3, 4);
  step(() => {
    const y = scale(w, 3).reshape([2, 2]);
    refuses(() => y.backward(), ShapeError, "backward: expected a scalar, got [2, 2]. Reduce it with sum or mean");
    refuses(() => y.select(1, 0).backward([1, 1]), ShapeError, "[2] f32 is a strided view. Pass contiguous(x).");
    refuses(() => y.backward([1]), ShapeError, "1 values for [2, 2]");
    y.backward([1, 0, 0, 2]);
  });
  assert.equal(gradient(w), [3, 0, 0, 6]);
});

test("differentiating what no parameter led to is refused", async () => {
  await init();
  const w = parameterOf(1);
  step(() => {
    refuses(() => sum(full([2], 1)).backward(), ShapeError, "backward: no parameter led to this tensor.");
    refuses(() => noGrad(() => sum(w)).backward(), ShapeError, "under noGrad");
  });
});

test("what one backward pass has used up, a second one refuses instead of losing its gradient", async () => {
  await init();
  const w = parameterOf(1);
  step(() => {
    const y = scale(w, 2);
    const [first, second] = [sum(y), mean(y)];
    first.backward();
    refuses(() => first.backward(), ShapeError, "before an earlier backward()");
    refuses(() => second.backward(), ShapeError, "before an earlier backward()");
  });
  assert.equal(gradient(w), [2]);
});

test("what a step returns is a plain value, in a nested step too", async () => {
  await init();
  const w = parameterOf(3);
  const outside = step(() => scale(w, 2));
  assert.not.ok(outside.tracked);
  step(() => {
    const inner = step(() => scale(w, 2));
    assert.not.ok(inner.tracked);
    sum(multiply(w, inner)).backward();
    const leaf = step(() => {
      const x = full([2], 1);
      x.storage.tracked = true;
      sum(x).backward();
      return x;
    });
    assert.equal([leaf.tracked, leaf.grad()], [false, null]);
  });
  assert.equal(gradient(w), [6]);
});

test("a nested step has a tape of its own and leaves that of the outer as it was", async () => {
  await init();
  const w = parameterOf(3);
  step(() => {
    const y = scale(w, 5);
    step(() => sum(multiply(w, w)).backward());
    assert.equal(gradient(w), [6]);
    sum(y).backward();
  });
  assert.equal(gradient(w), [11]);
});

test("ops run in reverse order, each once, those behind the result not at all", async () => {
  await init();
  const w = parameterOf(1);
  const ran: string[] = [];
  const noted = (name: string, x: Tensor) => {
    const y = scale(x, 1);
    const z = empty([1]);
    z.write(y.toArray());
    return record(name, z, [y], () => {
      ran.push(name);
      handOver(y, z);
    });
  };
  step(() => {
    const a = noted("a", w);
    const b = noted("b", a);
    noted("beside", a);
    backward(b);
  });
  assert.equal(ran, ["b", "a"]);
});

test("tensors of a finished step are refused by ops of the next", async () => {
  await init();
  const escaped: Tensor[] = [];
  step(() => {
    escaped.push(full([2], 1));
    return null;
  });
  step(() => {
    refuses(() => gelu(escaped[0]), ReleasedError, "gelu: x [2] f32 belongs to step 1, which has ended.");
  });
});

test("a thousand training steps hold no byte more than a hundred", async () => {
  await init();
  const rng = new Rng(1);
  const [fc1, fc2] = [
    new Linear(6, 16, { rng: rng.fork(1), init: "fan_in" }),
    new Linear(16, 1, { rng: rng.fork(2), init: "fan_in" }),
  ];
  const optimizer = new AdamW([...fc1.parameters(), ...fc2.parameters()], { lr: 3e-3, weightDecay: 0 });
  const train = () =>
    step(() => {
      const x = fromArray(
        Array.from({ length: 48 }, () => rng.uniform(-1, 1)),
        [8, 6],
      );
      const target = scope(() => gelu(x.narrow(1, 0, 1)));
      const error = add(fc2.forward(gelu(fc1.forward(x))), scale(target, -1));
      const loss = mean(multiply(error, error));
      loss.backward();
      optimizer.update();
      return loss.item();
    });
  const losses: number[] = [];
  const run = (steps: number) => {
    for (let i = 0; i < steps; i++) losses.push(train());
    return memory();
  };
  const early = run(100);
  const late = run(900);
  assert.equal(late, early);
  assert.is(late.stepBytes, 0);
  const average = (part: number[]) => part.reduce((a, b) => a + b, 0) / part.length;
  assert.ok(average(losses.slice(-50)) < 0.1 * average(losses.slice(0, 50)), "it learns what it is trained for");
});
