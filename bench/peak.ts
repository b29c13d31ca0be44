const STEPS = 20_000;
/** Chains of each operation. Six fill the latencies of current cores without spilling; a fused one needs more. */
const CHAINS = 6;
const FUSED_CHAINS = [8, 10];

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

  static async compile({ relaxed = false } = {}): Promise<Peak> {
    const loops = [await Peak.of(separate(CHAINS), 2 * CHAINS, "simd")];
    if (relaxed)
      for (const chains of FUSED_CHAINS) loops.push(await Peak.of(fused(chains), 2 * chains, "simd,relaxed-simd"));
    return loops.reduce((best, loop) => (loop.rate() > best.rate() ? loop : best));
  }

  private static async of(loop: string, operations: number, features: string): Promise<Peak> {
    const { default: asc } = await import("assemblyscript/asc"); // only here, since it takes a second to load
    let binary: Uint8Array<ArrayBuffer> | null = null;
    const args = ["peak.ts", "--outFile", "peak.wasm", "-O3", "--noAssert", "--runtime", "stub", "--enable", features];
    const { error, stderr } = await asc.main(args, {
      readFile: (name) => (name === "peak.ts" ? loop : null),
      writeFile: (name, contents) => {
        if (name === "peak.wasm") binary = contents as Uint8Array<ArrayBuffer>;
      },
      listFiles: () => [],
    });
    if (error || !binary) throw new Error(`peak: ${stderr.toString()}`);
    const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>);
    const kernel = instance.exports.peak as (steps: number, x: number) => void;
    return new Peak(STEPS * operations * 4, () => kernel(STEPS, 1));
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

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The factor comes as an argument, so that the compiler knows no value of a chain. */
function separate(chains: number): string {
  const each = upTo(chains);
  return `
    export function peak(steps: i32, factor: f32): f32 {
      const c = f32x4.splat(factor);
      ${each.map((i) => `let x${i} = f32x4(${i}, 1, 2, 3), y${i} = f32x4(${i}, 3, 2, 1);`).join("\n")}
      do {
        ${each.map((i) => `x${i} = f32x4.mul(x${i}, c);`).join("\n")}
        ${each.map((i) => `y${i} = f32x4.add(y${i}, c);`).join("\n")}
      } while (--steps > 0);
      ${each.map((i) => `x0 = f32x4.add(x0, f32x4.add(x${i}, y${i}));`).join("\n")}
      return f32x4.extract_lane(x0, 0);
    }`;
}

function fused(chains: number): string {
  const each = upTo(chains);
  return `
    export function peak(steps: i32, factor: f32): f32 {
      const c = f32x4.splat(factor), d = f32x4.splat(factor * 0.5);
      ${each.map((i) => `let x${i} = f32x4(${i}, 1, 2, 3);`).join("\n")}
      do {
        ${each.map((i) => `x${i} = f32x4.relaxed_madd(c, d, x${i});`).join("\n")}
      } while (--steps > 0);
      ${each
        .slice(1)
        .map((i) => `x0 = f32x4.add(x0, x${i});`)
        .join("\n")}
      return f32x4.extract_lane(x0, 0);
    }`;
}
