// @tensorflow/tfjs-backend-wasm as a peer.
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { patches, permuted, uniform } from "../../dist/bench/peers/inputs.js";
import { serve } from "../../dist/bench/peers/serve.js";
import { CHECKED_LOSSES, IMAGES_SEED, labels, starts, vit } from "../../dist/bench/peers/vit.js";

console.log = console.error;
console.info = console.error;
const require = createRequire(import.meta.url);
setWasmPaths(require.resolve("@tensorflow/tfjs-backend-wasm").replace(/[^/\\]*$/, ""));
await tf.setBackend("wasm");
await tf.ready();

const size = (shape) => shape.reduce((product, length) => product * length, 1);
const random = (seed, shape) => tf.tensor(uniform(seed, size(shape)), shape);

/** An operation of tensors that stay. */
const called = (op, inputs) => ({
  run: () => tf.dispose(op()),
  outputs: () => {
    const y = op();
    const values = y.dataSync().slice();
    y.dispose();
    return [values];
  },
  release: () => tf.dispose(inputs),
});

function product({ kind, m, k, n, batch }) {
  const lead = batch ? [batch] : [];
  const a = random(1, [...lead, ...(kind === "TN" ? [k, m] : [m, k])]);
  const b = random(2, [...lead, ...(kind === "NT" ? [n, k] : [k, n])]);
  return called(() => tf.matMul(a, b, kind === "TN", kind === "NT"), [a, b]);
}

function softmax({ rows, cols }) {
  const x = random(1, [rows, cols]);
  return called(() => tf.softmax(x), [x]);
}

function layerNormOf(x, weight, bias, eps) {
  return tf.tidy(() => {
    const mean = x.mean(-1, true);
    const centred = x.sub(mean);
    const variance = centred.square().mean(-1, true);
    return centred.mul(variance.add(eps).rsqrt()).mul(weight).add(bias);
  });
}

function layerNorm({ rows, cols }) {
  const [x, weight, bias] = [random(1, [rows, cols]), random(2, [cols]), random(3, [cols])];
  return called(() => layerNormOf(x, weight, bias, 1e-6), [x, weight, bias]);
}

const geluOf = (x) => tf.tidy(() => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5));

function gelu({ numbers }) {
  const x = random(1, [numbers]);
  return called(() => geluOf(x), [x]);
}

function attention({ batch, heads, tokens, dim }) {
  const values = permuted(
    uniform(1, 3 * batch * tokens * heads * dim),
    [batch, tokens, 3, heads, dim],
    [2, 0, 3, 1, 4],
  );
  const part = values.length / 3;
  const [q, k, v] = [0, 1, 2].map((i) =>
    tf.tensor(values.slice(i * part, (i + 1) * part), [batch * heads, tokens, dim]),
  );
  const attend = () => tf.tidy(() => tf.matMul(tf.softmax(tf.matMul(q, k, false, true).mul(1 / Math.sqrt(dim))), v));
  return {
    ...called(attend, [q, k, v]),
    outputs: () => {
      const y = attend();
      const values = permuted(y.dataSync(), [batch, heads, tokens, dim], [0, 2, 1, 3]);
      y.dispose();
      return [values];
    },
  };
}

/** There is no AdamW: the decay is an operation of its own. */
function stepAdamW(optimizer, variables, gradients, { lr, weightDecay }) {
  for (const variable of variables) tf.tidy(() => variable.assign(variable.mul(1 - lr * weightDecay)));
  optimizer.applyGradients(gradients);
}

function adamw({ numbers }) {
  const p = tf.variable(random(1, [numbers]), true, "p");
  const gradient = random(2, [numbers]);
  const optimizer = tf.train.adam(0.1, 0.9, 0.999, 1e-8);
  const run = () => stepAdamW(optimizer, [p], { p: gradient }, { lr: 0.1, weightDecay: 0.1 });
  return {
    run,
    outputs: () => {
      run();
      return [p.dataSync().slice()];
    },
    release: () => {
      optimizer.dispose();
      tf.dispose([p, gradient]);
    },
  };
}

function conv({ batch, side, from, to, kernel, stride, padding, part }) {
  const x = random(1, [batch, side, side, from]);
  const w = tf.tensor(permuted(uniform(2, to * from * kernel * kernel), [to, from, kernel, kernel], [2, 3, 1, 0]), [
    kernel,
    kernel,
    from,
    to,
  ]);
  const forward = (image, weight) => tf.conv2d(image, weight, stride, padding);
  if (part === "forward") return called(() => forward(x, w), [x, w]);
  const out = Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const dy = random(3, [batch, out, out, to]);
  const gradient = part === "images" ? tf.grad((image) => forward(image, w)) : tf.grad((weight) => forward(x, weight));
  const once = () => tf.tidy(() => gradient(part === "images" ? x : w, dy));
  return {
    run: () => tf.dispose(once()),
    outputs: () => {
      const y = once();
      const values = y.dataSync().slice();
      y.dispose();
      return [part === "images" ? values : permuted(values, [kernel, kernel, from, to], [3, 2, 0, 1])];
    },
    release: () => tf.dispose([x, w, dy]),
  };
}

function smallOps({ count, backward }) {
  const [x, y] = [random(1, [8, 8]), random(2, [8, 8])];
  const chain = (start) => {
    let sum = start;
    for (let i = 0; i < count; i++) sum = sum.add(y);
    return sum;
  };
  const gradient = tf.grad((start) => chain(start).sum());
  return {
    ...called(() => tf.tidy(() => chain(x)), [x, y]),
    run: () => tf.dispose(backward ? gradient(x) : tf.tidy(() => chain(x))),
  };
}

/** Patches are cut beforehand: there is no gradient of a convolution's filter. */
function vitStep() {
  const { image, patch, batch, width, depth, heads, classes, lr, weightDecay, beta1, beta2, eps, normEps } = vit;
  const variables = new Map(
    starts().map(({ name, shape, base, scale, seed }) => {
      const values = uniform(seed, size(shape)).map((value) => base + scale * value);
      const isMatrix = shape.length === 2; // [in, out] here, since products with a transposed factor are slow
      const start = isMatrix
        ? tf.tensor(permuted(values, shape, [1, 0]), [shape[1], shape[0]])
        : tf.tensor(values, shape);
      return [name, tf.variable(start, true, name)];
    }),
  );
  const p = (name) => variables.get(name);
  const images = uniform(IMAGES_SEED, batch * 3 * image * image);
  const grid = image / patch;
  const x = tf.tensor(patches(images, [batch, 3, image], patch), [batch * grid * grid, 3 * patch * patch]);
  const target = tf.oneHot(tf.tensor1d(labels(), "int32"), classes).toFloat();
  const tokens = 1 + grid * grid;
  const linear = (rows, name) => tf.matMul(rows, p(`${name}.weight`)).add(p(`${name}.bias`));
  const norm = (rows, name) => layerNormOf(rows, p(`${name}.weight`), p(`${name}.bias`), normEps);
  const headsOf = (rows) => rows.reshape([batch, tokens, heads, width / heads]).transpose([0, 2, 1, 3]);
  const attend = (rows, name) => {
    const [q, k, v] = tf.split(linear(rows, `${name}.qkv`), 3, 1).map(headsOf);
    const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(width / heads));
    const mixed = tf
      .matMul(tf.softmax(scores), v)
      .transpose([0, 2, 1, 3])
      .reshape([batch * tokens, width]);
    return linear(mixed, `${name}.proj`);
  };
  const loss = () => {
    const embedded = linear(x, "patch_embed.proj").reshape([batch, grid * grid, width]);
    const cls = p("cls_token").tile([batch, 1, 1]);
    let rows = tf
      .concat([cls, embedded], 1)
      .add(p("pos_embed"))
      .reshape([batch * tokens, width]);
    for (let i = 0; i < depth; i++) {
      const name = `blocks.${i}`;
      rows = rows.add(attend(norm(rows, `${name}.norm1`), `${name}.attn`));
      const hidden = geluOf(linear(norm(rows, `${name}.norm2`), `${name}.mlp.fc1`));
      rows = rows.add(linear(hidden, `${name}.mlp.fc2`));
    }
    const last = norm(rows, "norm").reshape([batch, tokens, width]);
    const logits = linear(last.slice([0, 0, 0], [batch, 1, width]).reshape([batch, width]), "head");
    return tf.losses.softmaxCrossEntropy(target, logits);
  };
  const optimizer = tf.train.adam(lr, beta1, beta2, eps);
  const list = [...variables.values()];
  const once = () => {
    const { value, grads } = tf.variableGrads(loss, list);
    stepAdamW(optimizer, list, grads, { lr, weightDecay });
    const number = value.dataSync()[0];
    tf.dispose([value, grads]);
    return number;
  };
  return {
    run: () => void once(),
    outputs: () => [Array.from({ length: CHECKED_LOSSES }, once)],
    release: () => {
      optimizer.dispose();
      tf.dispose([x, target, list]);
    },
  };
}

await serve({
  versions: {
    "@tensorflow/tfjs-backend-wasm": tf.version["tfjs-core"] ?? tf.version_core,
    node: process.versions.node,
  },
  operations: { product, softmax, layerNorm, gelu, attention, adamw, conv, smallOps, vitStep },
});
