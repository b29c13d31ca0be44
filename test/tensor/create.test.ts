import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ReleasedError, ShapeError } from "../../src/errors.js";
import { dispose, init, memory } from "../../src/runtime/context.js";
import {
  emptyLike,
  fromArray,
  full,
  keep,
  parameter,
  persistent,
  shapesOnly,
  unfilled,
  zeros,
} from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

test("zeros and full fill memory that held something else", async () => {
  await init();
  persistent([9]).write(new Array(9).fill(Number.NaN));
  step(() => {
    fromArray(new Array(9).fill(Number.NaN), [9]);
    return null;
  });
  step(() => {
    assert.equal([...zeros([3, 3]).toArray()], new Array(9).fill(0));
    assert.equal([...full([2], -1.5).toArray()], [-1.5, -1.5]);
  });
});

test("fromArray needs as many values as the shape has elements", async () => {
  await init();
  assert.equal([...fromArray([1, 2], [1, 2]).toArray()], [1, 2]);
  assert.equal([...fromArray(Int32Array.of(-7), [1], "i32").toArray()], [-7]);
  refuses(() => fromArray([1, 2, 3], [2, 2]), ShapeError, "fromArray: 3 values for [2, 2], which has 4.");
});

test("emptyLike is dense, whatever it is like", async () => {
  await init();
  const like = emptyLike(fromArray([1, 2, 3, 4, 5, 6], [2, 3], "i32").permute([1, 0]));
  assert.equal([like.shape, like.strides, like.dtype], [[3, 2], [2, 1], "i32"]);
});

test("inside a step tensors take step memory, persistent ones and parameters do not", async () => {
  await init();
  const kept: Tensor[] = [];
  step(() => {
    const before = memory().persistentBytes;
    zeros([4]);
    assert.is(memory().persistentBytes, before);
    kept.push(
      persistent([4]),
      parameter([4], () => 2),
    );
  });
  kept[0].write([1, 2, 3, 4]);
  assert.equal([...kept[1].toArray()], [2, 2, 2, 2]);
});

test("keep copies a tensor, dense and named, out of its step", async () => {
  await init();
  let copy!: Tensor;
  step(() => {
    const x = fromArray([1, 2, 3, 4, 5, 6], [2, 3]);
    x.name = "x";
    copy = keep(x.permute([1, 0]));
    const whole = keep(x);
    x.write([0, 0, 0, 0, 0, 0]);
    assert.equal([...whole.toArray()], [1, 2, 3, 4, 5, 6]);
  });
  assert.equal([copy.shape, [...copy.toArray()], copy.name], [[3, 2], [1, 4, 2, 5, 3, 6], "x"]);
  assert.ok(copy.contiguous);
});

test("keep copies bytes and integers, also on a heap of doubles", async () => {
  for (const start of [init, initDouble]) {
    await start();
    for (const dtype of ["i32", "u8"] as const) {
      const x = fromArray([1, 2, 3], [3], dtype);
      assert.equal([...keep(x).toArray()], [1, 2, 3]);
    }
  }
});

test("a parameter is tracked and takes its start in row-major order", async () => {
  await init();
  let next = 0;
  const x = parameter([2, 2], () => next++);
  assert.equal([...x.toArray()], [0, 1, 2, 3]);
  assert.ok(x.tracked);
});

test("disposing gives the bytes back once, with those of the gradient", async () => {
  await init();
  const x = parameter([64], () => 1);
  step(() => x.backward(new Array(64).fill(1)));
  assert.is(memory().persistentBytes, 512);
  x.dispose();
  x.dispose();
  assert.is(memory().persistentBytes, 0);
});

test("shapes alone need no runtime and hold no memory", async () => {
  dispose();
  const x = shapesOnly(() => {
    shapesOnly(() => 0); // the inner one must not end the outer
    return parameter([1 << 20, 1 << 10], () => 0);
  });
  assert.is(x.numel, 2 ** 30);
  assert.equal(x.narrow(0, 0, 4).reshape([2, -1]).shape, [2, 2048]);
  refuses(() => x.ptr, ReleasedError, "was made by shapesOnly() and has no memory");
  x.dispose();
  await init();
  assert.equal([...parameter([1], () => 5).toArray()], [5], "memory is back after the call");
});

test("an unfilled parameter has memory and is tracked, its start is not asked for", async () => {
  await init();
  let asked = 0;
  const x = unfilled(() =>
    parameter([3], () => {
      asked++;
      return 1;
    }),
  );
  assert.is(asked, 0);
  assert.ok(x.tracked);
  x.write([4, 5, 6]);
  assert.equal([...x.toArray()], [4, 5, 6]);
  assert.equal([...parameter([1], () => 7).toArray()], [7]);
});

test("a throw inside shapesOnly ends it", async () => {
  await init();
  assert.throws(() =>
    shapesOnly(() => {
      throw new Error("inside");
    }),
  );
  assert.equal([...parameter([1], () => 5).toArray()], [5]);
});
