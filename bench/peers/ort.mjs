// onnxruntime as a peer: `node ort.mjs onnxruntime-web` or `onnxruntime-node`. Inference only; a call copies inputs and outputs.
import { readFileSync } from "node:fs";
import { channelsFirst, permuted, uniform } from "../../dist/bench/peers/inputs.js";
import { serve } from "../../dist/bench/peers/serve.js";
import { model } from "./onnx.mjs";

const [, , name] = process.argv;
console.log = console.error;
const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
const ort = await import(name);
const api = ort.default?.InferenceSession ? ort.default : ort;
if (name === "onnxruntime-web") api.env.wasm.numThreads = 1;

const size = (shape) => shape.reduce((product, length) => product * length, 1);

async function called(inputs, nodes, shape, { values, arrange = (y) => y }) {
  const session = await api.InferenceSession.create(model(inputs, nodes, shape), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionProviders: [name === "onnxruntime-web" ? "wasm" : "cpu"],
  });
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([key, dims], i) => [
      key,
      new api.Tensor("float32", values?.[i] ?? uniform(i + 1, size(dims)), dims),
    ]),
  );
  const output = nodes.at(-1).output;
  return {
    run: () => session.run(feeds).then(() => undefined),
    outputs: async () => [arrange(Float32Array.from((await session.run(feeds))[output].data))],
    release: () => void session.release(),
  };
}

function product({ kind, m, k, n, batch }) {
  const lead = batch ? [batch] : [];
  const inputs = {
    a: [...lead, ...(kind === "TN" ? [k, m] : [m, k])],
    b: [...lead, ...(kind === "NT" ? [n, k] : [k, n])],
  };
  if (!batch) {
    const attributes = { transA: kind === "TN" ? 1 : 0, transB: kind === "NT" ? 1 : 0 };
    return called(inputs, [{ op: "Gemm", inputs: ["a", "b"], output: "y", attributes }], [m, n], {});
  }
  if (kind !== "NN") throw new Error("no batched product with a transposed factor");
  return called(inputs, [{ op: "MatMul", inputs: ["a", "b"], output: "y" }], [batch, m, n], {});
}

const softmax = ({ rows, cols }) =>
  called(
    { x: [rows, cols] },
    [{ op: "Softmax", inputs: ["x"], output: "y", attributes: { axis: 1 } }],
    [rows, cols],
    {},
  );

const layerNorm = ({ rows, cols }) =>
  called(
    { x: [rows, cols], weight: [cols], bias: [cols] },
    [
      {
        op: "LayerNormalization",
        inputs: ["x", "weight", "bias"],
        output: "y",
        attributes: { axis: 1, epsilon: 1e-6 },
      },
    ],
    [rows, cols],
    {},
  );

const gelu = ({ numbers }) => called({ x: [numbers] }, [{ op: "Gelu", inputs: ["x"], output: "y" }], [numbers], {});

/** The transposed keys and the scale are applied beforehand, which other peers do inside. */
function attention({ batch, heads, tokens, dim }) {
  const all = permuted(uniform(1, 3 * batch * tokens * heads * dim), [batch, tokens, 3, heads, dim], [2, 0, 3, 1, 4]);
  const part = all.length / 3;
  const [q, k, v] = [0, 1, 2].map((i) => all.slice(i * part, (i + 1) * part));
  const items = batch * heads;
  const shape = [items, tokens, dim];
  return called(
    { q: shape, k: [items, dim, tokens], v: shape },
    [
      { op: "MatMul", inputs: ["q", "k"], output: "scores" },
      { op: "Softmax", inputs: ["scores"], output: "p", attributes: { axis: 2 } },
      { op: "MatMul", inputs: ["p", "v"], output: "y" },
    ],
    shape,
    {
      values: [q.map((value) => value / Math.sqrt(dim)), permuted(k, shape, [0, 2, 1]), v],
      arrange: (y) => permuted(y, [batch, heads, tokens, dim], [0, 2, 1, 3]),
    },
  );
}

function conv({ batch, side, from, to, kernel, stride, padding, part }) {
  if (part !== "forward") throw new Error("inference only");
  const out = Math.floor((side + 2 * padding - kernel) / stride) + 1;
  return called(
    { x: [batch, from, side, side], w: [to, from, kernel, kernel] },
    [
      {
        op: "Conv",
        inputs: ["x", "w"],
        output: "y",
        attributes: { strides: [stride, stride], pads: [padding, padding, padding, padding] },
      },
    ],
    [batch, to, out, out],
    {
      values: [
        channelsFirst(uniform(1, batch * side * side * from), [batch, side, from]),
        uniform(2, to * from * kernel * kernel),
      ],
      arrange: (y) => permuted(y, [batch, to, out, out], [0, 2, 3, 1]),
    },
  );
}

function trainingOnly() {
  throw new Error("inference only");
}

await serve({
  versions: { [name]: JSON.parse(readFileSync(manifest, "utf8")).version, node: process.versions.node },
  operations: { product, softmax, layerNorm, gelu, attention, conv, adamw: trainingOnly, vitStep: trainingOnly },
});
