// @jax-js/jax on its Wasm backend as a peer. Every function owns its arguments: an array that is used again is passed as .ref.
import { readFileSync } from "node:fs";
import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad, vjp } from "@jax-js/jax";
import { channelsFirst, patches, permuted, uniform } from "../../dist/bench/peers/inputs.js";
import { serve } from "../../dist/bench/peers/serve.js";
import { CHECKED_LOSSES, IMAGES_SEED, labels, starts, vit } from "../../dist/bench/peers/vit.js";

console.log = console.error;
await init("wasm");
defaultDevice("wasm");

const size = (shape) => shape.reduce((product, length) => product * length, 1);
const tensor = (values, shape) => np.array(values, { shape });
const random = (seed, shape) => tensor(uniform(seed, size(shape)), shape);

/** A jitted operation of arrays that stay. */
function called(op, inputs, arrange = (values) => values) {
  const compiled = jit(op);
  const call = () => compiled(...inputs.map((x) => x.ref));
  return {
    run: async () => (await call().blockUntilReady()).dispose(),
    outputs: async () => [arrange(await call().data())],
    release: () => inputs.forEach((x) => void x.dispose()),
  };
}

function product({ kind, m, k, n, batch }) {
  const lead = batch ? [batch] : [];
  const a = random(1, [...lead, ...(kind === "TN" ? [k, m] : [m, k])]);
  const b = random(2, [...lead, ...(kind === "NT" ? [n, k] : [k, n])]);
  const order = batch ? [0, 2, 1] : [1, 0];
  const op = (x, y) => np.matmul(kind === "TN" ? x.transpose(order) : x, kind === "NT" ? y.transpose(order) : y);
  return called(op, [a, b]);
}

const softmax = ({ rows, cols }) => called((x) => nn.softmax(x, -1), [random(1, [rows, cols])]);

function layerNormOf(x, weight, bias, epsilon) {
  return nn.standardize(x, -1, { epsilon }).mul(weight).add(bias);
}

const layerNorm = ({ rows, cols }) =>
  called(
    (x, weight, bias) => layerNormOf(x, weight, bias, 1e-6),
    [random(1, [rows, cols]), random(2, [cols]), random(3, [cols])],
  );

const geluOf = (x) => nn.gelu(x, { approximate: false });
const gelu = ({ numbers }) => called(geluOf, [random(1, [numbers])]);

/** Heads first, which its own attention is not faster than: q, k, v [B·H, T, d]. */
const attendOf = (q, k, v, dim) =>
  np.matmul(nn.softmax(np.matmul(q, k.transpose([0, 2, 1])).mul(1 / Math.sqrt(dim)), -1), v);

function attention({ batch, heads, tokens, dim }) {
  const values = permuted(
    uniform(1, 3 * batch * tokens * heads * dim),
    [batch, tokens, 3, heads, dim],
    [2, 0, 3, 1, 4],
  );
  const part = values.length / 3;
  const inputs = [0, 1, 2].map((i) => tensor(values.slice(i * part, (i + 1) * part), [batch * heads, tokens, dim]));
  return called(
    (q, k, v) => attendOf(q, k, v, dim),
    inputs,
    (out) => permuted(out, [batch, heads, tokens, dim], [0, 2, 1, 3]),
  );
}

/** p, m, v after one update. @jax-js/optax is not published, so this is numpy inside the jit. */
function adamwOf(p, g, m, v, { lr, weightDecay, beta1, beta2, eps, bias1, bias2 }) {
  const mean = m.mul(beta1).add(g.ref.mul(1 - beta1));
  const square = v.mul(beta2).add(np.square(g).mul(1 - beta2));
  const move = mean.ref.div(bias1).div(np.sqrt(square.ref.div(bias2)).add(eps));
  return [p.mul(1 - lr * weightDecay).sub(move.mul(lr)), mean, square];
}

function adamw({ numbers }) {
  const g = random(2, [numbers]);
  let state = [random(1, [numbers]), np.zeros([numbers]), np.zeros([numbers])];
  let steps = 0;
  const update = jit((p, m, v, gradient, bias1, bias2) =>
    adamwOf(p, gradient, m, v, { lr: 0.1, weightDecay: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, bias1, bias2 }),
  );
  const run = async () => {
    steps++;
    state = update(...state, g.ref, np.array(1 - 0.9 ** steps), np.array(1 - 0.999 ** steps));
    state = await blockUntilReady(state);
  };
  return {
    run,
    outputs: async () => {
      await run();
      return [await state[0].ref.data()];
    },
    release: () => [g, ...state].forEach((x) => void x.dispose()),
  };
}

function conv({ batch, side, from, to, kernel, stride, padding, part }) {
  const x = tensor(channelsFirst(uniform(1, batch * side * side * from), [batch, side, from]), [
    batch,
    from,
    side,
    side,
  ]);
  const w = random(2, [to, from, kernel, kernel]);
  const out = Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const pads = [
    [padding, padding],
    [padding, padding],
  ];
  const forward = (image, weight) => lax.convGeneralDilated(image, weight, [stride, stride], pads);
  const last = (channels, extent) => (values) => permuted(values, [batch, channels, extent, extent], [0, 2, 3, 1]);
  if (part === "forward") return called(forward, [x, w], last(to, out));
  const dy = tensor(channelsFirst(uniform(3, batch * out * out * to), [batch, out, to]), [batch, to, out, out]);
  const gradient = (image, weight, cotangent) => {
    const [y, back] =
      part === "images" ? vjp((z) => forward(z, weight), [image]) : vjp((z) => forward(image, z), [weight]);
    y.dispose();
    const [result] = back(cotangent);
    return result;
  };
  return called(gradient, [x, w, dy], part === "images" ? last(from, side) : undefined);
}

function vitStep() {
  const { image, patch, batch, width, depth, heads, classes, lr, weightDecay, beta1, beta2, eps, normEps } = vit;
  const start = starts();
  const p0 = start.map(({ shape, base, scale, seed }) =>
    tensor(
      uniform(seed, size(shape)).map((value) => base + scale * value),
      shape,
    ),
  );
  const at = new Map(start.map(({ name }, i) => [name, i]));
  const grid = image / patch;
  const tokens = 1 + grid * grid;
  const x0 = tensor(patches(uniform(IMAGES_SEED, batch * 3 * image * image), [batch, 3, image], patch), [
    batch * grid * grid,
    3 * patch * patch,
  ]);
  const hot = new Float32Array(batch * classes);
  labels().forEach((label, i) => {
    hot[i * classes + label] = 1;
  });
  const target = tensor(hot, [batch, classes]);
  const loss = (parameters, x, wanted) => {
    const p = (name) => parameters[at.get(name)];
    const linear = (rows, name) => np.matmul(rows, p(`${name}.weight`).transpose([1, 0])).add(p(`${name}.bias`));
    const norm = (rows, name) => layerNormOf(rows, p(`${name}.weight`), p(`${name}.bias`), normEps);
    const attend = (rows, name) => {
      const qkv = linear(rows, `${name}.qkv`)
        .reshape([batch, tokens, 3, heads, width / heads])
        .transpose([2, 0, 3, 1, 4])
        .reshape([3, batch * heads, tokens, width / heads]);
      const [q, k, v] = [qkv.ref.slice(0), qkv.ref.slice(1), qkv.slice(2)];
      const mixed = attendOf(q, k, v, width / heads)
        .reshape([batch, heads, tokens, width / heads])
        .transpose([0, 2, 1, 3])
        .reshape([batch * tokens, width]);
      return linear(mixed, `${name}.proj`);
    };
    const embedded = linear(x, "patch_embed.proj").reshape([batch, grid * grid, width]);
    const cls = np.broadcastTo(p("cls_token"), [batch, 1, width]);
    let rows = np
      .concatenate([cls, embedded], 1)
      .add(p("pos_embed"))
      .reshape([batch * tokens, width]);
    for (let i = 0; i < depth; i++) {
      const name = `blocks.${i}`;
      rows = rows.ref.add(attend(norm(rows, `${name}.norm1`), `${name}.attn`));
      const hidden = geluOf(linear(norm(rows.ref, `${name}.norm2`), `${name}.mlp.fc1`));
      rows = rows.add(linear(hidden, `${name}.mlp.fc2`));
    }
    const last = norm(rows, "norm").reshape([batch, tokens, width]);
    const logits = linear(last.slice([], 0, []), "head");
    return nn
      .logSoftmax(logits, -1)
      .mul(wanted)
      .sum()
      .mul(-1 / batch);
  };
  const update = jit((parameters, means, squares, x, wanted, bias1, bias2) => {
    const [value, gradients] = valueAndGrad(loss)(
      parameters.map((p) => p.ref),
      x,
      wanted,
    );
    const moved = parameters.map((p, i) => {
      const biases = { bias1: bias1.ref, bias2: bias2.ref };
      return adamwOf(p, gradients[i], means[i], squares[i], { lr, weightDecay, beta1, beta2, eps, ...biases });
    });
    bias1.dispose();
    bias2.dispose();
    return [value, ...[0, 1, 2].map((which) => moved.map((entry) => entry[which]))];
  });
  let state = [p0, p0.map((p) => np.zeros(p.shape)), p0.map((p) => np.zeros(p.shape))];
  let steps = 0;
  const once = async () => {
    steps++;
    const biases = [np.array(1 - beta1 ** steps), np.array(1 - beta2 ** steps)];
    const [value, ...next] = update(...state, x0.ref, target.ref, ...biases);
    state = await blockUntilReady(next);
    return (await value.data())[0];
  };
  return {
    run: async () => void (await once()),
    outputs: async () => {
      const losses = [];
      for (let i = 0; i < CHECKED_LOSSES; i++) losses.push(await once());
      return [losses];
    },
    release: () => [x0, target, ...state.flat()].forEach((x) => void x.dispose()),
  };
}

const manifest = new URL("node_modules/@jax-js/jax/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
await serve({
  versions: { "@jax-js/jax": version, node: process.versions.node },
  operations: { product, softmax, layerNorm, gelu, attention, adamw, conv, vitStep },
});
