import { ResourceError } from "../errors.js";
import { loopModule, vectors } from "./loop-module.js";

const STEPS = 20_000;
/** Chains of each operation. Six fill the latencies of current cores without spilling; a fused one needs more. */
const CHAINS = 6;
const FUSED_CHAINS = [8, 10];

/** Larger than the caches of current cores together. */
const COPIED_BYTES = 64 << 20;

/**
 * The most multiply-adds that this engine can do: independent chains of vector products and sums, in registers only; for
 * the relaxed build also chains of fused multiply-adds, if these are faster.
 */
export class Peak {
  /** Floating-point operations in one call. */
  readonly work: number;
  readonly run: () => void;

  private constructor(work: number, run: () => void) {
    this.work = work;
    this.run = run;
  }

  /** @throws ResourceError if the host lacks SIMD */
  static compile({ relaxed = false } = {}): Peak {
    const loops = [Peak.of(separate(CHAINS), 2 * CHAINS)];
    if (relaxed) for (const chains of FUSED_CHAINS) loops.push(Peak.of(fused(chains), 2 * chains));
    return loops.reduce((best, loop) => (loop.rate() > best.rate() ? loop : best));
  }

  private static of(module: Uint8Array<ArrayBuffer>, operations: number): Peak {
    const loop = instantiated(module, {}) as (steps: number, x: number) => void;
    return new Peak(STEPS * operations * 4, () => loop(STEPS, 1));
  }

  /** Operations per millisecond at best. */
  private rate(): number {
    let fastestMs = Number.POSITIVE_INFINITY;
    for (const start = performance.now(); performance.now() - start < 100; ) {
      const before = performance.now();
      for (let i = 0; i < 20; i++) this.run();
      fastestMs = Math.min(fastestMs, performance.now() - before);
    }
    return this.work / fastestMs;
  }
}

/** Bytes that one thread of this host reads and writes in a second at best, each counted, while it copies 64 MiB. */
export function peakBandwidth(): number {
  const memory = new WebAssembly.Memory({ initial: (2 * COPIED_BYTES) / 65536 });
  const copy = instantiated(copying(), { memory }) as (steps: number, from: number) => void;
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 6; turn++) {
    const before = performance.now();
    copy(COPIED_BYTES / COPY_STEP, 0);
    fastestMs = Math.min(fastestMs, performance.now() - before);
  }
  return (2 * COPIED_BYTES * 1000) / fastestMs;
}

function instantiated(module: Uint8Array<ArrayBuffer>, env: Record<string, WebAssembly.Memory>) {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(module), { env }).exports.loop;
  } catch (cause) {
    throw new ResourceError(`bench: this host has not the SIMD that is timed (${(cause as Error).message}).`, {
      cause,
    });
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** x_i ← x_i · factor and y_i ← y_i + factor. The factor is an argument, so that the compiler knows no value of a chain. */
function separate(chains: number) {
  const { get, set, splat, multiply, add } = vectors;
  const [factor, x, y] = [2, (i: number) => 3 + i, (i: number) => 3 + chains + i];
  return loopModule({
    vectors: 1 + 2 * chains,
    before: [...get(1), ...splat, ...set(factor)],
    turn: [
      ...upTo(chains).flatMap((i) => [...get(x(i)), ...get(factor), ...multiply, ...set(x(i))]),
      ...upTo(chains).flatMap((i) => [...get(y(i)), ...get(factor), ...add, ...set(y(i))]),
    ],
    sum: upTo(2 * chains).map((i) => 3 + i),
  });
}

/** x_i ← x_i + factor · factor, rounded once. */
function fused(chains: number) {
  const { get, set, splat, multiplyAdd } = vectors;
  const [factor, x] = [2, (i: number) => 3 + i];
  return loopModule({
    vectors: 1 + chains,
    before: [...get(1), ...splat, ...set(factor)],
    turn: upTo(chains).flatMap((i) => [...get(factor), ...get(factor), ...get(x(i)), ...multiplyAdd, ...set(x(i))]),
    sum: upTo(chains).map(x),
  });
}

const COPY_STEP = 64;

/** Four vectors from where the counter of bytes stands to as far behind all that is read. */
function copying() {
  const { get, set, load, store, i32 } = vectors;
  const at = 2;
  return loopModule({
    memoryPages: (2 * COPIED_BYTES) / 65536,
    numbers: 1,
    vectors: 0,
    before: [],
    turn: [
      ...upTo(COPY_STEP / 16).flatMap((i) => [
        ...get(at),
        ...get(at),
        ...load(16 * i),
        ...store(COPIED_BYTES + 16 * i),
      ]),
      ...[...get(at), ...i32(COPY_STEP), 0x6a, ...set(at)],
    ],
    sum: [],
  });
}
