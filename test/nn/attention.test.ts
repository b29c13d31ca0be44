import { step } from "../../src/autograd/tape.js";
import { Attention } from "../../src/nn/attention.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

function layer(width: number, headDim: number, biases = true): Attention {
  const result = new Attention(width, { headDim, rng: new Rng(1), qkvBias: biases, projBias: biases });
  for (const x of result.parameters()) x.write(numbers(x.shape, x.numel));
  return result;
}

/** Self-attention written out: rows of x [T, w], the kept channels of q, k and v at rows g·D + 0 … w−1. */
function plain({ qkv, proj, headDim }: Attention, x: number[][], full: number): number[][] {
  const width = x[0].length;
  const scale = full / width;
  const product = (weight: Tensor, bias: Tensor | null, row: number, input: number[]) => {
    const [w, b] = [weight.toArray(), bias?.toArray()];
    const sum = input.reduce((total, value, column) => total + value * w[row * full + column], 0);
    return scale * sum + (b?.[row] ?? 0);
  };
  const part = (g: number) => x.map((token) => token.map((_, c) => product(qkv.weight, qkv.bias, g * full + c, token)));
  const [q, k, v] = [part(0), part(1), part(2)];
  const mixed = q.map((query) => {
    const result = new Array<number>(width).fill(0);
    for (let head = 0; head < width; head += headDim) {
      const channels = Array.from({ length: headDim }, (_, i) => head + i);
      const scores = k.map((key) =>
        Math.exp(channels.reduce((sum, c) => sum + query[c] * key[c], 0) / Math.sqrt(headDim)),
      );
      const total = scores.reduce((a, b) => a + b, 0);
      for (const c of channels) result[c] = scores.reduce((sum, score, t) => sum + (score / total) * v[t][c], 0);
    }
    return result;
  });
  return mixed.map((token) => token.map((_, c) => product(proj.weight, proj.bias, c, token)));
}

test("the full layer and its first heads are softmax(q·kᵀ/√d)·v, written out", async () => {
  await initDouble();
  const full = layer(12, 4);
  for (const width of [12, 8, 4]) {
    const x = leaf([2, 3, width], width);
    const y = step(() => full.slice(width).forward(x)).toArray();
    const values = Array.from(x.toArray());
    const images = [0, 1].map((b) => [0, 1, 2].map((t) => values.slice((3 * b + t) * width, (3 * b + t + 1) * width)));
    const expected = images.flatMap((tokens) => plain(full, tokens, 12)).flat();
    close(y, expected, 1e-12, `width ${width}, entry`);
  }
});

test("a slice of a slice is the slice at once", async () => {
  await init();
  const full = layer(16, 4, false);
  const x = leaf([1, 3, 4], 1);
  const [once, twice] = [full.slice(4), full.slice(12).slice(4)];
  const [a, b] = [step(() => once.forward(x)).toArray(), step(() => twice.forward(x)).toArray()];
  close(b, a, 1e-6);
});

test("weights are the shares with which values are averaged, for as many queries as are asked for", async () => {
  await initDouble();
  const full = layer(12, 4);
  for (const width of [12, 8]) {
    const slice = full.slice(width);
    const x = leaf([2, 3, width], width);
    const heads = width / 4;
    const [weights, first, qkv] = step(() => [
      slice.weights(x).toArray(),
      slice.weights(x, 1).toArray(),
      slice.qkv.forward(x).toArray(),
    ]);
    const at = (b: number, h: number, q: number, t: number) => weights[((b * heads + h) * 3 + q) * 3 + t];
    const averaged = Array.from({ length: 2 * 3 * width }, (_, i) => {
      const [b, q, c] = [Math.floor(i / (3 * width)), Math.floor(i / width) % 3, i % width];
      const value = (t: number) => qkv[(b * 3 + t) * 3 * width + 2 * width + c];
      return [0, 1, 2].reduce((sum, t) => sum + at(b, Math.floor(c / 4), q, t) * value(t), 0);
    });
    const y = step(() => slice.proj.forward(fromArray(averaged, [2, 3, width])).toArray());
    close(
      step(() => slice.forward(x).toArray()),
      y,
      1e-12,
      `width ${width}, entry`,
    );
    for (let row = 0; row < weights.length; row += 3)
      close([weights[row] + weights[row + 1] + weights[row + 2]], [1], 1e-12);
    close(
      first,
      [0, 1].flatMap((b) => [...Array(heads).keys()].flatMap((h) => [0, 1, 2].map((t) => at(b, h, 0, t)))),
      1e-12,
    );
  }
});

test("full and sliced attention are differentiated into the full gradients", async () => {
  await initDouble();
  const full = layer(8, 4);
  for (const width of [8, 4]) {
    const x = leaf([2, 3, width], 1);
    const slice = full.slice(width);
    gradcheck(() => slice.forward(x), [x, ...full.parameters()]);
  }
});
