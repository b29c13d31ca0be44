import { noGrad, step } from "../../src/autograd/tape.js";
import { Module } from "../../src/nn/module.js";
import * as ops from "../../src/ops.js";
import { AdamW } from "../../src/optim/adamw.js";
import { applyUpdate, type PoaState } from "../../src/poa/step.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { uniform } from "./inputs.js";
import type { Operation, Prepared } from "./serve.js";

/** A persistent tensor of the stream `seed`. */
export function random(seed: number, shape: readonly number[]): Tensor {
  return fromArray(
    uniform(
      seed,
      shape.reduce((product, size) => product * size, 1),
    ),
    shape,
  );
}

/** Gradients flow to it. */
function tracked(x: Tensor): Tensor {
  x.storage.tracked = true;
  return x;
}

/** Calls an op inside a step of its own, with its node on the tape. */
function called(op: () => Tensor, inputs: readonly Tensor[]): Prepared {
  return {
    run: () => step(() => void op()),
    outputs: () => [step(() => op().toArray())],
    release: () => {
      for (const x of inputs) x.dispose();
    },
  };
}

interface ProductSpec {
  readonly kind: "NN" | "NT" | "TN";
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly batch?: number;
}

const product: Operation = (spec) => {
  const { kind, m, k, n, batch } = spec as unknown as ProductSpec;
  const lead = batch ? [batch] : [];
  const a = tracked(random(1, [...lead, ...(kind === "TN" ? [k, m] : [m, k])]));
  const b = random(2, [...lead, ...(kind === "NT" ? [n, k] : [k, n])]);
  const order = batch ? [0, 2, 1] : [1, 0];
  const [left, right] = [kind === "TN" ? a.permute(order) : a, kind === "NT" ? b.permute(order) : b];
  return called(() => ops.matmul(left, right), [a, b]);
};

const softmax: Operation = ({ rows, cols }) => {
  const x = tracked(random(1, [Number(rows), Number(cols)]));
  return called(() => ops.softmax(x), [x]);
};

const layerNorm: Operation = ({ rows, cols }) => {
  const x = tracked(random(1, [Number(rows), Number(cols)]));
  const [weight, bias] = [random(2, [Number(cols)]), random(3, [Number(cols)])];
  return called(() => ops.layerNorm(x, weight, bias, { eps: 1e-6 }), [x, weight, bias]);
};

const gelu: Operation = ({ numbers }) => {
  const x = tracked(random(1, [Number(numbers)]));
  return called(() => ops.gelu(x), [x]);
};

interface AttentionSpec {
  readonly batch: number;
  readonly heads: number;
  readonly tokens: number;
  readonly dim: number;
}

/** Query, key and value [B, T, 3, H, d] in one array, as one linear layer gives them. */
const attention: Operation = (spec) => {
  const { batch, heads, tokens, dim } = spec as unknown as AttentionSpec;
  const qkv = tracked(random(1, [batch, tokens, 3, heads, dim]));
  return called(() => ops.attention(qkv), [qkv]);
};

/** The same from two batched products and a softmax; that the heads lie [B·H, T, d] already is to its advantage. */
const attentionSeparate: Operation = (spec) => {
  const { batch, heads, tokens, dim } = spec as unknown as AttentionSpec;
  const qkv = random(1, [batch, tokens, 3, heads, dim]);
  const heads3 = ops.contiguous(qkv.permute([2, 0, 3, 1, 4])).reshape([3, batch * heads, tokens, dim]);
  const [q, k, v] = [0, 1, 2].map((which) => heads3.select(0, which));
  const scaled = ops.scale(ops.contiguous(q), 1 / Math.sqrt(dim));
  const once = () => ops.matmul(ops.softmax(ops.matmul(scaled, k.permute([0, 2, 1]))), v);
  const inOrder = () => ops.contiguous(once().reshape([batch, heads, tokens, dim]).permute([0, 2, 1, 3]));
  return {
    run: () => step(() => void noGrad(once)),
    outputs: () => [step(() => inOrder().toArray())],
    release: () => {
      for (const x of [qkv, heads3, scaled]) x.dispose();
    },
  };
};

/** A model of one parameter. */
class Single extends Module {
  readonly weight: Tensor;

  constructor(weight: Tensor) {
    super();
    this.weight = weight;
  }
}

/** One update of all parameters and, beyond what peers do, of the teacher that follows them. */
const adamw: Operation = ({ numbers }) => {
  const count = Number(numbers);
  const [student, teacher] = [1, 3].map((seed) => new Single(random(seed, [count])));
  const gradient = random(2, [count]);
  const optimizer = new AdamW([student.weight]);
  const state = { student, teacher, optimizer } as unknown as PoaState;
  student.weight.storage.gradient = gradient.storage;
  const run = () => {
    student.weight.storage.gradientPresent = true;
    applyUpdate(state, { lr: 0.1, lastLayerLr: 0.1, weightDecay: 0.1, momentum: 0.99 });
  };
  return {
    run,
    outputs: () => {
      run();
      return [student.weight.toArray()];
    },
    release: () => {
      optimizer.dispose();
      student.dispose(); // and its gradient
      teacher.dispose();
    },
  };
};

/** `count` additions of 64 numbers, each with its node on the tape; with `backward`, differentiated too. */
const smallOps: Operation = ({ count, backward }) => {
  const [x, y] = [tracked(random(1, [8, 8])), random(2, [8, 8])];
  const chain = () => {
    let sum = x;
    for (let i = 0; i < Number(count); i++) sum = ops.add(sum, y);
    return sum;
  };
  const run = () =>
    step(() => {
      const sum = chain();
      if (backward) ops.sum(sum).backward();
    });
  return {
    run,
    outputs: () => [step(() => chain().toArray())],
    release: () => [x, y].forEach((z) => void z.dispose()),
  };
};

export const kernelOperations = {
  product,
  softmax,
  layerNorm,
  gelu,
  attention,
  attentionSeparate,
  adamw,
  smallOps,
} satisfies Record<string, Operation>;
