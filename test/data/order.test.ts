import * as assert from "uvu/assert";
import { batchesPerPass, lookAt, PassOrders, passOrder, positionOf } from "../../src/data/order.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { test } from "../support/test.js";

test("every pass visits every image once, in an order of its own", () => {
  const orders = [0, 1, 2].map((pass) => passOrder(500, 3, pass));
  const all = Int32Array.from({ length: 500 }, (_, i) => i);
  for (const order of orders) assert.equal(Int32Array.from(order).sort(), all);
  assert.not.equal(orders[0], all);
  assert.not.equal(orders[0], orders[1]);
  assert.not.equal(orders[1], orders[2]);
  assert.not.equal(passOrder(500, 4, 0), orders[0]);
});

test("the order is a function of length, seed and pass", () => {
  assert.equal(passOrder(500, 3, 7), passOrder(500, 3, 7));
  assert.equal([...passOrder(8, 0, 0)], [7, 4, 0, 1, 2, 5, 3, 6]); // a change breaks the resuming of existing runs
});

test("an iteration stands in the pass and batch that counting gives", () => {
  const plan = { length: 10, batchSize: 3, dropLast: true };
  assert.is(batchesPerPass(plan), 3);
  assert.is(batchesPerPass({ ...plan, dropLast: false }), 4);
  assert.equal(
    [0, 2, 3, 8, 9].map((i) => positionOf(i, plan)),
    [
      { pass: 0, batch: 0 },
      { pass: 0, batch: 2 },
      { pass: 1, batch: 0 },
      { pass: 2, batch: 2 },
      { pass: 3, batch: 0 },
    ],
  );
  assert.equal(positionOf(4, { ...plan, dropLast: false }), { pass: 1, batch: 0 });
});

test("a batch size that is no size is a mistake, one that the images do not fill a lack of data", () => {
  for (const batchSize of [0, -1, 2.5, Number.NaN]) {
    assert.throws(
      () => batchesPerPass({ length: 10, batchSize, dropLast: false }),
      (error: Error) => error instanceof ConfigError,
    );
  }
  assert.throws(
    () => batchesPerPass({ length: 10, batchSize: 11, dropLast: true }),
    (error: Error) => error instanceof DataError && /10 images do not fill a batch of 11/.test(error.message),
  );
  assert.is(batchesPerPass({ length: 10, batchSize: 11, dropLast: false }), 1);
});

test("with repeats a pass of as many places holds the first images of its order side by side", () => {
  const orders = new PassOrders(8, { seed: 3, repeats: 3 });
  for (const pass of [0, 1]) {
    const [a, b, c] = passOrder(8, 3, pass);
    assert.equal([...orders.of(pass)], [a, a, a, b, b, b, c, c]);
  }
  assert.not.equal(orders.of(0), orders.of(1));
  assert.equal([...new PassOrders(4, { shuffle: false, repeats: 2 }).of(5)], [0, 0, 1, 1]);
  assert.equal(new PassOrders(8, { seed: 3 }).of(1), passOrder(8, 3, 1));
});

test("no look of an image occurs twice, and without repeats it is the pass", () => {
  const orders = new PassOrders(8, { repeats: 3 });
  const seen = [0, 1, 2, 3].flatMap((pass) =>
    Array.from(orders.of(pass), (image, place) => `${image} ${lookAt(pass, place, 3)}`),
  );
  assert.is(new Set(seen).size, 32);
  assert.is(lookAt(7, 5), 7);
});

test("repeats that are none are refused", () => {
  for (const repeats of [0, 1.5, Number.NaN])
    assert.throws(
      () => new PassOrders(4, { repeats }),
      (error: Error) => error instanceof ConfigError && /are repeated .* times/.test(error.message),
    );
});
