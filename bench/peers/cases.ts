import { type ProductShape, products } from "../shapes.js";
import type { ConvSpec } from "./ours-conv.js";
import type { PeerName } from "./peers.js";
import type { Spec } from "./protocol.js";
import { CHECKED_LOSSES, IMAGES_SEED, labels, starts, vit } from "./vit.js";

/** One column of a case: an operation of a peer. */
export interface Entry {
  /** The peer's name, or another where a peer stands twice in a case. */
  readonly column: string;
  readonly peer: PeerName;
  readonly op: string;
  readonly spec: Spec;
  /** Work of one call: operations in 10⁹, elements in 10⁶, samples, or small ops in 10⁶. */
  readonly work: number;
  /** Has no output to compare. */
  readonly unchecked?: boolean;
}

export type Unit = "GFLOP/s" | "Melem/s" | "us" | "samples/s" | "images/s";

export interface Case {
  readonly name: string;
  /** The table it stands in. */
  readonly group: "product" | "row" | "convolution" | "overhead" | "step" | "poa" | "threads";
  readonly unit: Unit;
  readonly entries: readonly Entry[];
  /** Largest deviation from the reference, relative to the largest number of the output. */
  readonly tolerance?: number;
  /** Least time of one peer in one round; a tenth of a second where the case does not say. */
  readonly roundMs?: number;
  /** Time that one peer may take for its rounds before it sits out the rest. */
  readonly budgetMs?: number;
  /** Only on a machine with idle cores. */
  readonly needsIdle?: boolean;
}

const forward: readonly PeerName[] = ["ours", "ours24", "tfjs", "jax", "jax24", "ortweb", "ortnode", "torch"];
const training: readonly PeerName[] = ["ours", "ours24", "tfjs", "jax", "jax24", "torch"];

function across(names: readonly PeerName[], op: string, work: number, spec: Spec): Entry[] {
  return names.map((peer) => ({ column: peer, peer, op, spec, work }));
}

/** Operations in 10⁹ of one call of the loop in src/runtime/peak.ts; the loop tells its own. */
const peakOf = (peer: "ours" | "ours24", column: string): Entry => {
  return { column, peer, op: "peak", spec: {}, work: Number.NaN, unchecked: true };
};
const peak = peakOf("ours", "peak");
const peak24 = peakOf("ours24", "peak24");

/** A size of shapes.ts by the place where it occurs. */
function size(at: string, k?: number): ProductShape {
  const shape = products.find((product) => product.at === at && (k === undefined || product.k === k));
  if (!shape) throw new Error(`cases: bench/shapes.ts has no product "${at}".`);
  return shape;
}

type Kind = ProductShape["kind"];
const productCase = (kind: Kind, { m, k, n }: Pick<ProductShape, "m" | "k" | "n">, note = ""): Case => ({
  name: `product ${kind} ${m}x${k}x${n}${note}`,
  group: "product",
  unit: "GFLOP/s",
  entries: [...across(forward, "product", (2 * m * k * n) / 1e9, { kind, m, k, n }), peak, peak24],
});
const batched = (kind: Kind, m: number, k: number, n: number, what: string): Case => ({
  name: `batched ${what} 48x(${m}x${k}x${n})`,
  group: "product",
  unit: "GFLOP/s",
  entries: [...across(forward, "product", (2 * 48 * m * k * n) / 1e9, { kind, m, k, n, batch: 48 }), peak],
});

const productCases: Case[] = [
  ...[64, 512, 1024].map((side) => productCase("NN", size("square", side))),
  productCase("NN", size("ViT-S qkv")),
  productCase("NN", size("ViT-S fc1")),
  productCase("NN", size("ViT-S fc2")),
  productCase("NN", { m: 6304, k: 192, n: 768 }),
  productCase("NT", size("ViT-S fc1 input gradient"), " (dX)"),
  productCase("TN", size("ViT-S fc2 weight gradient"), " (dW)"),
  batched("NT", 197, 64, 197, "QK^T"),
  batched("NN", 197, 197, 64, "PV"),
];

const attentionShape = { batch: 8, heads: 6, tokens: 197, dim: 64 };
const attentionWork = (4 * 48 * 197 * 197 * 64) / 1e9;
const separate = { column: "separate", peer: "ours", op: "attentionSeparate" } as const;

const rowCases: Case[] = [
  {
    name: "attention 48x(197x64)",
    group: "product",
    unit: "GFLOP/s",
    entries: [
      ...across(forward, "attention", attentionWork, attentionShape),
      { ...separate, spec: attentionShape, work: attentionWork },
    ],
  },
  {
    name: "softmax 9456x197",
    group: "row",
    unit: "Melem/s",
    entries: across(forward, "softmax", (9456 * 197) / 1e6, { rows: 9456, cols: 197 }),
  },
  {
    name: "layer norm 1576x384",
    group: "row",
    unit: "Melem/s",
    entries: across(forward, "layerNorm", (1576 * 384) / 1e6, { rows: 1576, cols: 384 }),
  },
  {
    name: "GELU 1576x1536",
    group: "row",
    unit: "Melem/s",
    entries: across(forward, "gelu", (1576 * 1536) / 1e6, { numbers: 1576 * 1536 }),
  },
  {
    name: "AdamW 22 M parameters",
    group: "row",
    unit: "Melem/s",
    entries: across(training, "adamw", 22, { numbers: 22e6 }),
  },
];

type ConvShape = Omit<ConvSpec, "part">;
const three = { batch: 8, side: 56, from: 64, to: 64, kernel: 3, stride: 1, padding: 1 };
const seven = { batch: 8, side: 224, from: 3, to: 64, kernel: 7, stride: 2, padding: 3 };

/** jax-js takes seconds a call here on either Node, so one of the two takes part. */
const convPeers = forward.filter((peer) => peer !== "jax24");

function convCase(shape: ConvShape, part: ConvSpec["part"], what: string): Case {
  const { batch, side, from, to, kernel, stride } = shape;
  const outputs = batch * (side / stride) ** 2;
  const work = (2 * outputs * to * from * kernel * kernel) / 1e9;
  const names = part === "forward" ? convPeers : convPeers.filter((peer) => !peer.startsWith("ort"));
  const own: Entry = { column: "forward", peer: "ours", op: "conv", spec: { ...shape, part: "forward" }, work };
  return {
    name: `conv ${kernel}x${kernel} s${stride} ${from}->${to} ${side}x${side} b${batch} ${what}`,
    group: "convolution",
    unit: "GFLOP/s",
    entries: [...across(names, "conv", work, { ...shape, part }), ...(part === "forward" ? [] : [own])],
  };
}

const convCases = [three, seven].flatMap((shape) => [
  convCase(shape, "forward", "forward"),
  convCase(shape, "images", "dX"),
  convCase(shape, "weights", "dW"),
]);

const overheadCases: Case[] = [false, true].map((backward) => ({
  name: `small op 8x8 add, ${backward ? "forward and backward" : "forward with its tape node"}`,
  group: "overhead",
  unit: "us",
  entries: across(["ours", "ours24", "tfjs", "torch"], "smallOps", 100 / 1e6, { count: 100, backward }),
}));

const vitSpec = { model: vit, starts: starts(), labels: [...labels()], seed: IMAGES_SEED, losses: CHECKED_LOSSES };

const stepCases: Case[] = [
  {
    name: `ViT training step ${vit.width}x${vit.depth}, ${vit.image} px, patch ${vit.patch}, batch ${vit.batch}`,
    group: "step",
    unit: "samples/s",
    entries: across(training, "vitStep", vit.batch, vitSpec),
    tolerance: 2e-4,
    budgetMs: 90_000,
  },
];

/** The step of a preset beside the multiply-add peak of the same minutes; its process does nothing else. */
function poaCases(data: string | undefined): Case[] {
  const step = (preset: string, peer: "fresh" | "fresh2", images: number): Entry => ({
    column: peer === "fresh" ? "ours" : "ours2",
    peer,
    op: "poaStep",
    spec: { preset, ...(data && preset === "cifar-tiny" && { data }) },
    work: images,
    unchecked: true,
  });
  const poa = { group: "poa", unit: "images/s" } as const;
  const tiny = { ...poa, roundMs: 4000, budgetMs: 60_000 }; // several steps a round, since networks of several sizes are drawn
  return [
    { ...tiny, name: "POA step, preset cifar-tiny", entries: [step("cifar-tiny", "fresh", 64), peak] },
    { ...poa, name: "POA step, preset vit-small", entries: [step("vit-small", "fresh", 8), peak], budgetMs: 100_000 },
    {
      ...poa,
      name: "POA step, preset vit-small, profiled",
      entries: [{ ...step("vit-small", "fresh", 8), op: "poaProfile" }],
      budgetMs: 30_000,
    },
    {
      ...tiny,
      name: "POA step, preset cifar-tiny, two threads",
      group: "threads",
      entries: [step("cifar-tiny", "fresh", 64), step("cifar-tiny", "fresh2", 64)],
      needsIdle: true,
    },
  ];
}

/** One thread against two of this library: the products that must gain, and small work that must not lose. */
const threadCases: Case[] = [
  ...productCases.filter(({ name }) => !name.includes("6304")),
  ...rowCases,
  ...overheadCases.slice(0, 1),
].map((oneThread) => {
  const [{ op, spec, work }] = oneThread.entries;
  return {
    ...oneThread,
    name: `${oneThread.name}, two threads`,
    group: "threads",
    entries: across(["ours", "ours2"], op, work, spec),
    needsIdle: true,
  };
});

/** Every case, in the order in which they run. */
export function allCases(data?: string): Case[] {
  return [
    ...productCases,
    ...rowCases,
    ...convCases,
    ...overheadCases,
    ...stepCases,
    ...poaCases(data),
    ...threadCases,
  ];
}
