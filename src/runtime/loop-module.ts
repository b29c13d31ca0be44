// Writes the bytes of a WebAssembly module that holds one loop (WebAssembly core specification 2.0, §5: binary format), so
// that what is timed is what stands here, on any host and without a compiler.

/** An unsigned or signed number of variable length (LEB128); the numbers here are small and not negative. */
function leb(value: number, signed = false): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 127;
    rest >>>= 7;
    if (rest === 0 && !(signed && low & 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

const ALIGN_16 = 4;
const simd = (opcode: number) => [0xfd, ...leb(opcode)];

/** Instructions as bytes, arguments on the stack before them. */
export const vectors = {
  get: (local: number) => [0x20, ...leb(local)],
  set: (local: number) => [0x21, ...leb(local)],
  i32: (value: number) => [0x41, ...leb(value, true)],
  splat: simd(19),
  add: simd(228),
  multiply: simd(230),
  multiplyAdd: simd(261),
  load: (offset: number) => [...simd(0), ALIGN_16, ...leb(offset)],
  store: (offset: number) => [...simd(11), ALIGN_16, ...leb(offset)],
  firstLane: [...simd(31), 0],
} as const;

/** A function loop(steps: i32, x: f32): f32 whose locals follow its two parameters: numbers (i32), then vectors. */
export interface Loop {
  /** Pages of the memory that it wants from its environment. */
  readonly memoryPages?: number;
  readonly numbers?: number;
  readonly vectors: number;
  /** Run once. */
  readonly before: readonly number[];
  /** Run `steps` times. */
  readonly turn: readonly number[];
  /** Vectors whose sum is returned, so that none is left out. */
  readonly sum: readonly number[];
}

/** The module with that loop, exported as `loop`. */
export function loopModule({ memoryPages, numbers = 0, vectors: count, before, turn, sum }: Loop) {
  const { get, i32, add, firstLane } = vectors;
  const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
  const locals = [
    [numbers, I32],
    [count, V128],
  ].filter(([n]) => n > 0);
  const total = sum.flatMap((local, i) => [...get(local), ...(i > 0 ? add : [])]);
  const body = [
    ...[...leb(locals.length), ...locals.flatMap(([n, type]) => [...leb(n), type])],
    ...before,
    ...[0x03, 0x40, ...turn, ...get(0), ...i32(1), 0x6b, 0x22, 0, 0x0d, 0, 0x0b], // loop: steps −= 1, again if not 0
    ...(sum.length > 0 ? [...total, ...firstLane] : get(1)),
    0x0b,
  ];
  const text = (word: string) => [...leb(word.length), ...new TextEncoder().encode(word)];
  const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, F32, 1, F32]),
    ...(memoryPages ? section(2, [1, ...text("env"), ...text("memory"), 2, 0, ...leb(memoryPages)]) : []),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text("loop"), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}
