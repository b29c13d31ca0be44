import { wasmPeers } from "./peers/peers.js";

/** What a gate looks at in a case; the columns are those of bench/peers/cases.ts. */
export type Measure =
  /** Median over the rounds of column / the fastest of `against`, times `factor`. */
  | { readonly kind: "ratio"; readonly column: string; readonly against: readonly string[]; readonly factor?: number }
  /** A figure beside the rate, of the column named. */
  | { readonly kind: "figure"; readonly column: string; readonly figure: string }
  /** Microseconds of one op. */
  | { readonly kind: "microseconds"; readonly column: string };

export interface Gate {
  /** What is promised, as the table shows it. */
  readonly name: string;
  /** The cases that it holds for, one line each. */
  readonly cases: RegExp;
  readonly measure: Measure;
  readonly required: number;
  readonly aim?: number;
  /** A bound from above: the value must not exceed `required`. */
  readonly atMost?: boolean;
  readonly unit: "x" | "%" | "us" | "MiB" | "images/s per GFLOP/s";
}

const ratio = (column: string, against: readonly string[], factor?: number): Measure => ({
  kind: "ratio",
  column,
  against,
  factor,
});
const LARGE = /^product NN (?!64x)\S+$/;
const LARGE_ANY = /^product (?!NN 64x)[^,]+$/;
const jax = ["jax", "jax24"];

/** Images a second of the official PyTorch code on one AVX-512 core whose 128-bit peak is about 56 GFLOP/s. */
const OFFICIAL_VIT_SMALL = 0.92;
const CORE_PEAK = 56;

/**
 * The promises of speed: one thread, plain SIMD, on the Node that runs the bench, unless a gate says otherwise. "Best Wasm peer"
 * is the fastest of tfjs-wasm, jax-js and onnxruntime-web on that Node.
 */
export const gates: readonly Gate[] = [
  {
    name: "Forward products : tfjs-wasm",
    cases: LARGE,
    measure: ratio("ours", ["tfjs"]),
    required: 1.2,
    aim: 1.35,
    unit: "x",
  },
  {
    name: "64^3 through the public API : tfjs-wasm",
    cases: /^product NN 64x64x64$/,
    measure: ratio("ours", ["tfjs"]),
    required: 1.1,
    aim: 1.5,
    unit: "x",
  },
  {
    name: "Products of the backward pass : best Wasm peer",
    cases: /^product .* \(d[XW]\)$/,
    measure: ratio("ours", wasmPeers),
    required: 1.2,
    aim: 1.6,
    unit: "x",
  },
  {
    name: "Batched QK^T : best Wasm peer",
    cases: /^batched QK\^T [^,]+$/,
    measure: ratio("ours", wasmPeers),
    required: 3,
    aim: 4,
    unit: "x",
  },
  {
    name: "Batched PV : best Wasm peer",
    cases: /^batched PV [^,]+$/,
    measure: ratio("ours", wasmPeers),
    required: 1.3,
    aim: 1.8,
    unit: "x",
  },
  {
    name: "Large products : 128-bit peak",
    cases: LARGE_ANY,
    measure: ratio("ours", ["peak"], 100),
    required: 80,
    aim: 85,
    unit: "%",
  },
  {
    name: "Large products, relaxed, Node 24 : 128-bit peak",
    cases: LARGE_ANY,
    measure: ratio("ours24", ["peak24"], 100),
    required: 90,
    unit: "%",
  },
  {
    name: "Softmax : tfjs-wasm",
    cases: /^softmax [^,]+$/,
    measure: ratio("ours", ["tfjs"]),
    required: 0.9,
    aim: 1.1,
    unit: "x",
  },
  {
    name: "Fused attention : separate kernels",
    cases: /^attention [^,]+$/,
    measure: ratio("ours", ["separate"]),
    required: 1.2,
    unit: "x",
  },
  {
    name: "Layer norm : best Wasm peer",
    cases: /^layer norm [^,]+$/,
    measure: ratio("ours", wasmPeers),
    required: 3,
    aim: 5,
    unit: "x",
  },
  {
    name: "GELU : best Wasm peer",
    cases: /^GELU [^,]+$/,
    measure: ratio("ours", wasmPeers),
    required: 4,
    aim: 6,
    unit: "x",
  },
  {
    name: "AdamW + teacher : best Wasm peer's AdamW",
    cases: /^AdamW [^,]+$/,
    measure: ratio("ours", wasmPeers),
    required: 3,
    aim: 4,
    unit: "x",
  },
  {
    name: "Op overhead, tape included",
    cases: /^small op .* tape node$/,
    measure: { kind: "microseconds", column: "ours" },
    required: 5,
    aim: 2,
    atMost: true,
    unit: "us",
  },
  {
    name: "Convolution 3x3 forward : tfjs-wasm",
    cases: /^conv 3x3 .* forward$/,
    measure: ratio("ours", ["tfjs"]),
    required: 1.1,
    aim: 1.8,
    unit: "x",
  },
  {
    name: "Convolution 7x7 forward : tfjs-wasm",
    cases: /^conv 7x7 .* forward$/,
    measure: ratio("ours", ["tfjs"]),
    required: 1.1,
    aim: 1.3,
    unit: "x",
  },
  {
    name: "Convolution gradients : jax-js",
    cases: /^conv .* d[XW]$/,
    measure: ratio("ours", jax),
    required: 50,
    unit: "x",
  },
  {
    name: "Convolution gradients : own forward, rate",
    cases: /^conv .* d[XW]$/,
    measure: ratio("ours", ["forward"]),
    required: 1 / 1.5,
    unit: "x",
  },
  {
    name: "ViT training step : jax-js, best Node",
    cases: /^ViT training step/,
    measure: ratio("ours", jax),
    required: 5,
    aim: 7,
    unit: "x",
  },
  {
    name: "ViT training step : tfjs-wasm",
    cases: /^ViT training step/,
    measure: ratio("ours", ["tfjs"]),
    required: 10,
    aim: 15,
    unit: "x",
  },
  {
    name: "ViT training step : PyTorch, native",
    cases: /^ViT training step/,
    measure: ratio("ours", ["torch"]),
    required: 0.4,
    aim: 0.55,
    unit: "x",
  },
  {
    name: "ViT training step, relaxed on Node 24 : plain",
    cases: /^ViT training step/,
    measure: ratio("ours24", ["ours"]),
    required: 1.15,
    unit: "x",
  },
  {
    name: "cifar-tiny, images/s with data : 128-bit peak",
    cases: /^POA step, preset cifar-tiny$/,
    measure: ratio("ours", ["peak"]),
    required: 0.5,
    aim: 0.66,
    unit: "images/s per GFLOP/s",
  },
  {
    name: "cifar-tiny, peak RSS",
    cases: /^POA step, preset cifar-tiny$/,
    measure: { kind: "figure", column: "ours", figure: "rssMiB" },
    required: 1.4 * 1024,
    atMost: true,
    unit: "MiB",
  },
  {
    name: `vit-small, images/s : official code's ${OFFICIAL_VIT_SMALL} at a peak of ${CORE_PEAK} GFLOP/s`,
    cases: /^POA step, preset vit-small$/,
    measure: ratio("ours", ["peak"], CORE_PEAK / OFFICIAL_VIT_SMALL),
    required: 0.35,
    unit: "x",
  },
  {
    name: "vit-small, peak RSS",
    cases: /^POA step, preset vit-small$/,
    measure: { kind: "figure", column: "ours", figure: "rssMiB" },
    required: (3.8 * 1024) / 2,
    atMost: true,
    unit: "MiB",
  },
  {
    name: "vit-small, share of product, attention and normalisation kernels",
    cases: /^POA step, preset vit-small, profiled$/,
    measure: { kind: "figure", column: "ours", figure: "arithmeticShare" },
    required: 0.85,
    unit: "x",
  },
  {
    name: "Two threads : one",
    cases: /^(product (?!NN 64x).*|POA step, preset cifar-tiny), two threads$/,
    measure: ratio("ours2", ["ours"]),
    required: 1.6,
    aim: 1.85,
    unit: "x",
  },
  {
    name: "Two threads : one, nothing slower",
    cases: /, two threads$/,
    measure: ratio("ours2", ["ours"]),
    required: 0.95,
    unit: "x",
  },
];
