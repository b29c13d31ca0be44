import { backward, step } from "../../src/autograd/tape.js";
import * as ops from "../../src/ops.js";
import { fromArray } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { numelOf, type Shape } from "../../src/tensor/shape.js";
import type { Tensor } from "../../src/tensor/tensor.js";

/** A composition of ops on tensors of given shapes, forward and backward. */
interface OpCase {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly fn: (...leaves: Tensor[]) => Tensor;
}

/** The ops whose kernels take most of a training step, on shapes with and without tails, in one block and in several. */
const opCases: readonly OpCase[] = [
  ...productShapes([5, 7, 3], [33, 400, 29], [64, 96, 384]),
  { name: "layer norm", shapes: [[9, 37], [37], [37]], fn: (x, weight, bias) => ops.layerNorm(x, weight, bias) },
  { name: "GELU", shapes: [[7, 19]], fn: (x) => ops.gelu(x) },
  { name: "softmax", shapes: [[6, 33]], fn: (x) => ops.softmax(x, { temperature: 0.1 }) },
  { name: "l2 normalisation", shapes: [[5, 30]], fn: (x) => ops.l2Normalize(x) },
  { name: "cross-entropy", shapes: [[4, 11]], fn: (x) => ops.crossEntropy(x, Int32Array.of(3, 0, 10, 7)) },
  { name: "attention, items in lanes", shapes: [[3, 17, 3, 2, 8]], fn: (qkv) => ops.attention(qkv) },
  { name: "attention, register tiles", shapes: [[1, 70, 3, 2, 32]], fn: (qkv) => ops.attention(qkv) },
  convolution("3x3 in tiles", { image: [2, 12, 12, 16], features: 8, taps: 3, stride: 1 }),
  convolution("3x3 by rows", { image: [2, 9, 7, 5], features: 6, taps: 3, stride: 2 }),
  convolution("1x1", { image: [1, 6, 6, 12], features: 10, taps: 1, stride: 1 }),
  {
    name: "group norm",
    shapes: [[2, 5, 5, 12], [12], [12]],
    fn: (x, weight, bias) => ops.groupNorm(x, 4, weight, bias),
  },
  { name: "max pool", shapes: [[2, 8, 8, 6]], fn: (x) => ops.maxPool2d(x, 3, { stride: 2, padding: 1 }) },
];

function productShapes(...sizes: readonly (readonly [number, number, number])[]): OpCase[] {
  return sizes.map(([rows, inner, features]) => ({
    name: `product ${rows}x${inner}x${features}`,
    shapes: [[rows, inner], [features, inner], [features]],
    fn: (x, weight, bias) => ops.linear(x, weight, bias),
  }));
}

function convolution(
  name: string,
  { image, features, taps, stride }: { image: Shape; features: number; taps: number; stride: number },
): OpCase {
  const padding = (taps - 1) / 2;
  return {
    name: `convolution ${name}`,
    shapes: [image, [features, image[3], taps, taps], [features]],
    fn: (x, weight, bias) => ops.conv2d(x, weight, bias, { stride, padding }),
  };
}

/** Numbers in [−1, 1) that f32 holds exactly, so that both precisions begin alike. */
export function drawn(shape: Shape, ...stream: number[]): Float32Array {
  const rng = new Rng(11, ...stream);
  return Float32Array.from({ length: numelOf(shape) }, () => rng.uniform(-1, 1));
}

/** Results and gradients of all cases on the running kernels, by name. */
export function opResults(): Map<string, ArrayLike<number>> {
  const results = new Map<string, ArrayLike<number>>();
  for (const [i, { name, shapes, fn }] of opCases.entries()) {
    const leaves = shapes.map((shape, j) => {
      const x = fromArray(drawn(shape, i, j), shape);
      x.storage.tracked = true;
      return x;
    });
    results.set(
      name,
      step(() => {
        const y = fn(...leaves);
        backward(y, drawn(y.shape, i, 99));
        return y.toArray();
      }),
    );
    for (const [j, x] of leaves.entries()) {
      results.set(`${name}, gradient ${j}`, x.grad()!);
      x.dispose();
    }
  }
  return results;
}
