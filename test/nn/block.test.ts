import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { Block, type BlockOptions } from "../../src/nn/block.js";
import type { BranchSample, DropPath } from "../../src/nn/drop-path.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { gradientOf } from "../support/gradient.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

function block(width: number, options: Partial<BlockOptions> = {}): Block {
  const result = new Block(width, { headDim: 4, rng: new Rng(1), layerScale: 0.5, dropPathRate: 0.5, ...options });
  for (const [name, x] of result.namedTensors()) {
    x.name = name;
    x.write(numbers(x.shape, x.numel).map((value) => value + (/norm.*weight|gamma/.test(name) ? 1 : 0)));
  }
  return result;
}

/** Gives the scripted samples one after the other, and notes what it was asked. */
function scripted(samples: BranchSample[]): NonNullable<DropPath> & { asked: number[][] } {
  const asked: number[][] = [];
  let next = 0;
  const draw = (batch: number, rate: number) => {
    asked.push([batch, rate]);
    return samples[next++ % samples.length];
  };
  return Object.assign(draw, { asked });
}

const rowsOf = (values: ArrayLike<number>, size: number) =>
  Array.from({ length: values.length / size }, (_, b) => Array.from(values).slice(b * size, (b + 1) * size));

test("names are those of a checkpoint, with and without layer scale", async () => {
  await init();
  const names = [...block(4).stateDict().keys()];
  assert.equal(
    names.filter((name) => /^norm|^ls/.test(name)),
    ["norm1.weight", "norm1.bias", "ls1.gamma", "norm2.weight", "norm2.bias", "ls2.gamma"],
  );
  assert.not.ok([...block(4, { layerScale: null }).stateDict().keys()].some((name) => name.startsWith("ls")));
  assert.equal(
    [...block(4, { ffnBias: false, qkvBias: false, projBias: false }).stateDict().keys()].filter((name) =>
      /(qkv|proj|fc.)\.bias/.test(name),
    ),
    [],
  );
});

test("each branch draws on its own with the block's rate", async () => {
  await init();
  const net = block(4, { dropPathRate: 0.3 });
  const draw = scripted([{}]);
  step(() => net.forward(leaf([5, 2, 4], 1), draw).numel);
  assert.equal(draw.asked, [
    [5, 0.3],
    [5, 0.3],
  ]);
});

test("samples outside both subsets pass unchanged, samples inside are what a batch of their own would be", async () => {
  await initDouble();
  const net = block(4);
  const x = leaf([4, 3, 4], 1);
  const rows = Int32Array.of(3, 1);
  const sample = { rows, scale: 1 };
  const y = rowsOf(step(() => net.forward(x, scripted([sample, sample]))).toArray(), 12);
  const whole = rowsOf(step(() => net.forward(x)).toArray(), 12);
  const input = rowsOf(x.toArray(), 12);
  for (const b of [0, 2]) assert.equal(y[b], input[b]);
  for (const b of [1, 3]) close(y[b], whole[b], 1e-13);
});

test("a subset's branch is scaled, and the two branches may compute different samples", async () => {
  await initDouble();
  const net = block(4, { layerScale: null });
  const x = leaf([2, 3, 4], 1);
  const first = { rows: Int32Array.of(0), scale: 2 };
  const none = { scale: Float32Array.of(0, 0) };
  const once = rowsOf(step(() => net.forward(x, scripted([{}, none]))).toArray(), 12);
  const doubled = rowsOf(step(() => net.forward(x, scripted([first, none]))).toArray(), 12);
  const input = rowsOf(x.toArray(), 12);
  assert.equal(doubled[1], input[1]);
  const expected = once[0].map((value, i) => 2 * value - input[0][i]);
  close(doubled[0], expected, 1e-13);
});

test("the expectation over subsets is the whole branch", async () => {
  await initDouble();
  const net = block(4);
  const x = leaf([3, 2, 4], 1);
  const none = { scale: Float32Array.of(0, 0, 0) };
  const whole = step(() => net.forward(x, scripted([{}, none]))).toArray();
  const average = new Float64Array(whole.length);
  for (const rows of [Int32Array.of(0), Int32Array.of(1), Int32Array.of(2)]) {
    const y = step(() => net.forward(x, scripted([{ rows, scale: 3 }, none]))).toArray();
    for (const i of y.keys()) average[i] += y[i] / 3;
  }
  close(average, whole, 1e-12);
});

test("a block is the derivative of itself, whole, sliced and with subsets", async () => {
  await initDouble();
  const net = block(8, { mlpRatio: 2 });
  const subset = { rows: Int32Array.of(2, 0), scale: 1.5 };
  const perSample = { scale: Float32Array.of(0, 1.25, 1.25) };
  for (const [width, samples] of [
    [8, [subset, perSample]],
    [4, [subset, subset]],
  ] as const) {
    const x = leaf([3, 2, width], width);
    const slice = net.slice(width);
    gradcheck(() => slice.forward(x, scripted([...samples])), [x, ...net.parameters()], { samples: 12 });
  }
});

test("gradients outside a slice are zero in every tensor", async () => {
  await init();
  const net = block(8);
  step(() =>
    net
      .slice(4)
      .forward(leaf([2, 3, 4], 1))
      .backward(numbers([24], 2)),
  );
  for (const [name, x] of net.namedParameters()) {
    const gradient = gradientOf(x);
    const columns = x.shape.at(-1)!;
    const ratio = name.includes("fc2.weight") ? 4 : 1;
    const zeroes = Array.from(gradient).filter(
      (_, i) => columns > 1 && x.shape.length === 2 && i % columns >= 4 * ratio,
    );
    assert.ok(
      zeroes.every((value) => value === 0),
      name,
    );
    assert.ok(
      Array.from(gradient).some((value) => value !== 0),
      name,
    );
    if (/norm|gamma|proj.bias|fc2.bias/.test(name)) assert.equal(Array.from(gradient).slice(4), [0, 0, 0, 0], name);
  }
});

test("a slice keeps the ratio of the hidden layer and the rate", async () => {
  await init();
  const slice = block(12, { mlpRatio: 3, dropPathRate: 0.2 }).slice(8);
  assert.equal([slice.mlp.fc1.weight.shape, slice.dropPathRate, slice.attn.headDim], [[24, 8], 0.2, 4]);
  assert.is(slice.slice(4).mlp.fc1.weight.shape[0], 12);
});
