import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ReleasedError, ShapeError } from "../../src/errors.js";
import { constant } from "../../src/nn/init.js";
import { buffer, derive, Module } from "../../src/nn/module.js";
import { sum } from "../../src/ops/reduce.js";
import { init, memory } from "../../src/runtime/context.js";
import { fromArray, persistent } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

class Leaf extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;

  constructor(bias: boolean) {
    super();
    this.weight = constant([2, 3], 1);
    this.bias = bias ? constant([2], 2) : null;
  }

  slice(rows: number): Leaf {
    return derive<Leaf>(this, { weight: this.weight.narrow(0, 0, rows), bias: this.bias?.narrow(0, 0, rows) ?? null });
  }
}

class Net extends Module {
  readonly token: Tensor;
  readonly blocks: readonly Leaf[];
  readonly center: Tensor;
  readonly head: Leaf;
  readonly rate = 0.1;
  readonly labels = ["a", "b"];

  constructor() {
    super();
    this.token = constant([1], 3);
    this.blocks = [new Leaf(true), new Leaf(false)];
    this.center = buffer(persistent([2]));
    this.center.write([5, 6]);
    this.head = new Leaf(true);
  }
}

const names = ["token", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "center", "head.weight", "head.bias"];
const stateOf = (net: Module) =>
  new Map([...net.stateDict()].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }]));

test("names follow the declaration of fields, numbers of arrays, and skip what is no tensor", async () => {
  await init();
  const net = new Net();
  assert.equal([...net.stateDict().keys()], names);
  assert.equal(
    net.namedParameters().map(([name]) => name),
    names.filter((name) => name !== "center"),
  );
  assert.is(net.parameters().length, 6);
  assert.is(net.parameterCount, 1 + 8 + 6 + 8);
});

test("a loaded state replaces every tensor, buffers too", async () => {
  await init();
  const [net, other] = [new Net(), new Net()];
  for (const [, x] of other.namedTensors()) x.write(Array.from({ length: x.numel }, (_, i) => 10 + i));
  net.loadStateDict(stateOf(other));
  for (const [name, x] of net.stateDict()) assert.is(x.toArray()[0], 10, name);
});

test("a state that does not fit names every entry, and changes nothing", async () => {
  await init();
  const net = new Net();
  const state = stateOf(net);
  state.delete("token");
  state.set("extra", { shape: [1], data: Float32Array.of(1) });
  state.set("head.weight", { shape: [3, 2], data: new Float32Array(6) });
  state.set("blocks.0.weight", { shape: [2, 3], data: new Float32Array(6) });
  refuses(
    () => net.loadStateDict(state),
    ShapeError,
    "loadStateDict: missing token; unexpected extra; head.weight is [3, 2], expected [2, 3].",
  );
  assert.equal([...net.blocks[0].weight.toArray()], [1, 1, 1, 1, 1, 1]);
});

test("data of another length than its shape is refused before anything is written", async () => {
  await init();
  const net = new Net();
  const state = stateOf(net);
  state.set("token", { shape: [1], data: Float32Array.of(9) });
  state.set("head.weight", { shape: [2, 3], data: new Float32Array(5) });
  refuses(() => net.loadStateDict(state), ShapeError, "head.weight has 5 values for [2, 3]");
  assert.is(net.token.item(), 3);
});

test("a frozen module takes no gradient, a thawed one does", async () => {
  await init();
  const net = new Net();
  assert.is(net.requireGrad(false), net);
  assert.ok(net.parameters().every(({ tracked }) => !tracked));
  step(() => refuses(() => sum(net.head.weight).backward(), ShapeError, "no parameter"));
  net.requireGrad(true);
  assert.ok(net.parameters().every(({ tracked }) => tracked));
  assert.not.ok(net.center.tracked);
});

test("a derived module differs in what was changed and shares the rest", async () => {
  await init();
  const leaf = new Leaf(true);
  const slice = leaf.slice(1);
  assert.instance(slice, Leaf);
  assert.equal(
    [slice.weight.shape, leaf.weight.shape],
    [
      [1, 3],
      [2, 3],
    ],
  );
  assert.is(slice.weight.storage, leaf.weight.storage);
  assert.equal([...slice.stateDict().keys()], ["weight", "bias"]);
});

test("a materialised module is dense and its own, and keeps buffers, freezing and plain fields", async () => {
  await init();
  const net = new Net();
  const narrow = derive<Net>(net, { head: net.head.slice(1) });
  const copy = narrow.materialize();
  net.requireGrad(false);
  const frozen = net.materialize();
  for (const [, x] of net.namedTensors()) x.write(new Array(x.numel).fill(-1));
  assert.instance(copy, Net);
  assert.equal([...copy.stateDict().keys()], names);
  assert.equal(copy.head.weight.shape, [1, 3]);
  assert.ok(copy.head.weight.contiguous);
  assert.equal([...copy.center.toArray()], [5, 6]);
  assert.is(copy.token.item(), 3);
  assert.is(copy.parameters().length, 6);
  assert.ok(copy.parameters().every(({ tracked }) => tracked));
  assert.ok(frozen.parameters().every(({ tracked }) => !tracked));
  assert.equal([copy.rate, copy.labels], [0.1, ["a", "b"]]);
});

test("disposing gives all memory back", async () => {
  await init();
  const net = new Net();
  const copy = net.materialize();
  net.dispose();
  refuses(() => net.token.item(), ReleasedError, "has been disposed");
  assert.is(copy.token.item(), 3);
  copy.dispose();
  assert.is(memory().persistentBytes, 0);
  assert.is(fromArray([1], [1]).item(), 1);
});
