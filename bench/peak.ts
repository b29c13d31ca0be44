const STEPS = 20_000;

/**
 * The most multiply-adds that this engine can do: independent chains of vector products and sums, in registers only. Six
 * chains of each fill the latencies of current cores without spilling.
 */
export class Peak {
  /** Floating-point operations in one call. */
  readonly work: number;
  readonly run: () => void;

  private constructor(run: () => void, work: number) {
    this.run = run;
    this.work = work;
  }

  /** @param options.relaxed  fused multiply-adds, which do both in one instruction where the host has it */
  static async compile({ relaxed = false } = {}): Promise<Peak> {
    const { default: asc } = await import("assemblyscript/asc"); // only here, since it takes a second to load
    let binary: Uint8Array<ArrayBuffer> | null = null;
    const args = ["peak.ts", "--outFile", "peak.wasm", "-O3", "--noAssert", "--runtime", "stub", "--enable", "simd"];
    if (relaxed) args.push("--enable", "relaxed-simd");
    const { error, stderr } = await asc.main(args, {
      readFile: (name) => (name === "peak.ts" ? source(relaxed) : null),
      writeFile: (name, contents) => {
        if (name === "peak.wasm") binary = contents as Uint8Array<ArrayBuffer>;
      },
      listFiles: () => [],
    });
    if (error || !binary) throw new Error(`peak: ${stderr.toString()}`);
    const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>);
    const kernel = instance.exports.peak as (steps: number, x: number) => void;
    return new Peak(() => kernel(STEPS, 1), STEPS * CHAINS * 4 * (relaxed ? 4 : 2));
  }
}

const CHAINS = 6;

/** The factor comes as an argument, so that the compiler knows no value of a chain. */
function source(relaxed: boolean): string {
  const chains = Array.from({ length: CHAINS }, (_, i) => i);
  const product = (name: string) => (relaxed ? `f32x4.relaxed_madd(${name}, c, c)` : `f32x4.mul(${name}, c)`);
  const sum = (name: string) => (relaxed ? `f32x4.relaxed_madd(${name}, c, c)` : `f32x4.add(${name}, c)`);
  return `
    export function peak(steps: i32, factor: f32): f32 {
      const c = f32x4.splat(factor);
      ${chains.map((i) => `let x${i} = f32x4(${i}, 1, 2, 3), y${i} = f32x4(${i}, 3, 2, 1);`).join("\n")}
      do {
        ${chains.map((i) => `x${i} = ${product(`x${i}`)};`).join("\n")}
        ${chains.map((i) => `y${i} = ${sum(`y${i}`)};`).join("\n")}
      } while (--steps > 0);
      ${chains.map((i) => `x0 = f32x4.add(x0, f32x4.add(x${i}, y${i}));`).join("\n")}
      return f32x4.extract_lane(x0, 0);
    }`;
}
