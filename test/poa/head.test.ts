import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { contiguous } from "../../src/ops/layout.js";
import { type HeadOptions, ProjectionHeads } from "../../src/poa/head.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const heads = (options: Partial<HeadOptions> = {}) =>
  new ProjectionHeads({
    inFeatures: 8,
    prototypes: [6, 5],
    hidden: 7,
    bottleneck: 4,
    layers: 3,
    init: "fan_in",
    rng: new Rng(1),
    ...options,
  });

/** Every tensor with seeded numbers, also biases and lengths. */
function seededHeads(options: Partial<HeadOptions> = {}): ProjectionHeads {
  const result = heads(options);
  for (const [name, x] of result.namedParameters()) {
    x.name = name;
    x.write(
      numbers(x.shape, x.numel + name.length).map((value) => (name.includes("weight_g") ? 1 + value / 2 : value)),
    );
  }
  return result;
}

test("names are the even numbers of a checkpoint's layers, the prototypes apart", async () => {
  await init();
  assert.equal(
    heads({ prototypes: [6] })
      .namedParameters()
      .map(([name, x]) => `${name} ${x.shape}`),
    [
      "mlp0.0.weight 7,8",
      "mlp0.0.bias 7",
      "mlp0.2.weight 7,7",
      "mlp0.2.bias 7",
      "mlp0.4.weight 4,7",
      "mlp0.4.bias 4",
      "last_layer0.weight_g 6,1",
      "last_layer0.weight_v 6,4",
    ],
  );
  const names = heads()
    .namedParameters()
    .map(([name]) => name);
  assert.equal(
    names.filter((name) => name.startsWith("last")),
    ["last_layer0.weight_g", "last_layer0.weight_v", "last_layer1.weight_g", "last_layer1.weight_v"],
  );
  assert.equal(
    heads({ layers: 1, prototypes: [3] })
      .namedParameters()
      .map(([name, x]) => `${name} ${x.shape}`)
      .slice(0, 2),
    ["mlp0.0.weight 4,8", "mlp0.0.bias 4"],
  );
});

test("there are as many outputs as heads, and no two heads start alike", async () => {
  await init();
  const twins = heads({ prototypes: [6, 6] });
  step(() => {
    const [a, b] = twins.forward(leaf([3, 8], 1));
    assert.equal(
      [a.shape, b.shape],
      [
        [3, 6],
        [3, 6],
      ],
    );
    assert.not.equal(a.toArray(), b.toArray());
    assert.not.equal(twins.mlp0["0"].weight.toArray(), twins.mlp1["0"].weight.toArray());
    assert.not.equal(twins.last_layer0.weight_v.toArray(), twins.last_layer1.weight_v.toArray());
    assert.equal(heads().forward(leaf([3, 8], 1))[1].shape, [3, 5]);
  });
});

test("logits are cosines to the prototypes times their lengths, whatever the size of the feature", async () => {
  await initDouble();
  const net = seededHeads({ layers: 1 });
  for (const h of [0, 1]) net[`mlp${h}`]["0"].bias!.write([0, 0, 0, 0]);
  const x = leaf([4, 8], 1);
  const scaled = leaf([4, 8], 1);
  scaled.write(x.toArray().map((value) => 100 * value));
  const [small, large] = [x, scaled].map((input) => step(() => net.forward(input)).map((logits) => logits.toArray()));
  small.forEach((logits, h) => {
    const lengths = net[`last_layer${h}`].weight_g.toArray();
    logits.forEach((value, i) => {
      assert.ok(Math.abs(value) <= Math.abs(lengths[i % lengths.length]) + 1e-12);
      assert.ok(Math.abs(value - large[h][i]) < 1e-12);
    });
  });
});

test("a slice reads narrower features with scaled first layers, and is what it materialises to", async () => {
  await init();
  const net = seededHeads();
  const slice = net.slice(5);
  assert.is(slice.mlp1["0"].inputScale, 8 / 5);
  assert.is(slice.mlp1["2"], net.mlp1["2"]);
  assert.is(slice.last_layer0, net.last_layer0);
  const dense = slice.materialize();
  const x = leaf([3, 5], 1);
  const [a, b] = [slice, dense].map((module) => step(() => module.forward(x)).map((logits) => logits.toArray()));
  for (const h of [0, 1]) close(b[h], a[h], 1e-5);
});

test("heads are the derivative of themselves, full and sliced", async () => {
  await initDouble();
  const net = seededHeads();
  for (const width of [8, 5]) {
    const x = leaf([3, width], 1);
    for (const h of [0, 1])
      gradcheck(() => contiguous(net.slice(width).forward(x)[h]), [x, ...net.parameters()], { samples: 8 });
  }
});

test("of a slice, only the first layer's last columns have no gradient", async () => {
  await init();
  const net = seededHeads();
  step(() =>
    net
      .slice(5)
      .forward(leaf([3, 5], 1))[0]
      .backward(numbers([18], 2)),
  );
  const gradient = Array.from(gradientOf(net.mlp0["0"].weight));
  for (const [i, value] of gradient.entries()) assert.is(value !== 0, i % 8 < 5);
  assert.ok(
    Array.from(gradientOf(net.last_layer0.weight_g)).every((value) => value !== 0),
    "lengths are trained",
  );
  assert.is(net.last_layer1.weight_v.grad(), null);
});

test("lengths start at one, directions uniform in ±1/√bottleneck, biases at zero", async () => {
  await init();
  const net = heads({ prototypes: [50] });
  assert.equal([...net.last_layer0.weight_g.toArray()], new Array(50).fill(1));
  assert.ok(Array.from(net.last_layer0.weight_v.toArray()).every((value) => Math.abs(value) <= 0.5));
  assert.equal([...net.mlp0["4"].bias!.toArray()], [0, 0, 0, 0]);
});
