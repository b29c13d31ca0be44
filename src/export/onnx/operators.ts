import type { Linear } from "../../nn/linear.js";
import type { LayerNorm } from "../../nn/norm.js";
import type { PatchProjection } from "../../nn/patch-embed.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { Graph, Value } from "./graph.js";

/** Numbers of a dense f32 tensor. */
export const values = (x: Tensor) => x.toArray() as Float32Array;

/** A parameter with its own shape. */
export const parameter = (g: Graph, name: string, x: Tensor): Value => g.weight(name, x.shape, values(x));

/** 0 keeps a length, −1 takes what is left. */
export const reshape = (g: Graph, x: Value, shape: readonly number[]): Value => g.node("Reshape", [x, g.ints(shape)]);

export const transpose = (g: Graph, x: Value, perm: readonly number[]): Value => g.node("Transpose", [x], { perm });

/** Entries `from` to before `to` of one axis. */
export function slice(g: Graph, x: Value, { axis, from, to }: { axis: number; from: number; to: number }): Value {
  return g.node("Slice", [x, g.ints([from]), g.ints([to]), g.ints([axis])]);
}

/** Rows of each item [B, rows, C] by index; −1 gives zeros. */
export function gatherRows(g: Graph, x: Value, index: Int32Array): Value {
  // The row of zeros is the last one, which is what −1 names.
  const rows = index.includes(-1) ? g.node("Pad", [x, g.ints([0, 0, 0, 0, 1, 0])]) : x;
  return g.node("Gather", [rows, g.ints([...index])], { axis: 1 });
}

/** Mean or length over one axis, which goes unless it is kept. */
export function reduce(
  g: Graph,
  op: "ReduceMean" | "ReduceL2",
  x: Value,
  { axis, keep }: { axis: number; keep: boolean },
): Value {
  const keepdims = keep ? 1 : 0;
  return g.opset >= 18 ? g.node(op, [x, g.ints([axis])], { keepdims }) : g.node(op, [x], { axes: [axis], keepdims });
}

/** A dense layer: x·Wᵀ + b. */
export function linear(g: Graph, x: Value, name: string, { weight, bias }: Linear): Value {
  return g.within(name, () => {
    const [out, input] = weight.shape;
    const y = g.node("MatMul", [x, g.weight("weight", [input, out], transposed(values(weight), out, input))]);
    return bias ? g.node("Add", [y, parameter(g, "bias", bias)]) : y;
  });
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c];
  return result;
}

export function layerNorm(g: Graph, x: Value, name: string, { weight, bias, eps }: LayerNorm): Value {
  return g.within(name, () => {
    const inputs = [x, parameter(g, "weight", weight), parameter(g, "bias", bias)];
    return g.node("LayerNormalization", inputs, { axis: -1, epsilon: { float: eps } });
  });
}

/** x·Φ(x) */
export function gelu(g: Graph, x: Value): Value {
  if (g.opset >= 20) return g.node("Gelu", [x]);
  const erf = g.node("Erf", [g.node("Div", [x, g.scalar(Math.SQRT2)])]);
  return g.node("Mul", [g.node("Mul", [x, g.node("Add", [erf, g.scalar(1)])]), g.scalar(0.5)]);
}

/** Two linear layers with a GELU between them. */
export function mlp(g: Graph, x: Value, name: string, { fc1, fc2 }: { fc1: Linear; fc2: Linear }): Value {
  return g.within(name, () => linear(g, gelu(g, linear(g, x, "fc1", fc1)), "fc2", fc2));
}

/** Images [B, C, S, S] to one token per patch [B, N, w], row by row. */
export function patchTokens(g: Graph, images: Value, patch: number, { weight, bias }: PatchProjection): Value {
  return g.within("proj", () => {
    const inputs = [images, parameter(g, "weight", weight), parameter(g, "bias", bias)];
    const map = g.node("Conv", inputs, { kernel_shape: [patch, patch], strides: [patch, patch] });
    return transpose(g, reshape(g, map, [0, weight.shape[0], -1]), [0, 2, 1]);
  });
}

/** Rows of length 1: x / max(‖x‖, 1e-12). */
export function unitRows(g: Graph, x: Value): Value {
  const norm = reduce(g, "ReduceL2", x, { axis: -1, keep: true });
  return g.node("Div", [x, g.node("Max", [norm, g.scalar(1e-12)])]);
}
