import { FormatError } from "../errors.js";

/** What a pickle may call: a Python function of the allow-list, as ours. */
export class PickleGlobal {
  /** "collections.OrderedDict" */
  readonly name: string;
  readonly call: ((args: readonly unknown[]) => unknown) | null;

  constructor(name: string, call: ((args: readonly unknown[]) => unknown) | null) {
    this.name = name;
    this.call = call;
  }
}

export interface PickleOptions {
  /** What to call the pickle in an error. */
  readonly label: string;
  /** Allowed globals by "module.name"; every other one is refused by name. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** The object of a persistent id. */
  readonly persistent: (id: unknown) => unknown;
}

/**
 * Reads a Python pickle of plain data: dicts (as Map), lists and tuples (as arrays), strings, numbers, booleans, None, and
 * what `globals` allows. It cannot run code: an opcode that is not needed for such data, or a global that is not in
 * `globals`, ends the reading with its name.
 *
 * @param bytes  the pickle; it must end with its STOP
 * @returns the value; integers beyond 2^53 are bigints
 * @throws FormatError for a refused opcode or global, and for whatever is damaged
 * Source: Python's pickletools, protocols 2 to 5.
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): unknown {
  return new Machine(bytes, options).run();
}

type Handler = (machine: Machine) => void;

/** The stack machine that a pickle is a program for. Memory grows with the number of opcodes read, and no faster. */
class Machine {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly options: PickleOptions;
  private at = 0;
  private stack: unknown[] = [];
  /** Stacks below the open marks. */
  private readonly below: unknown[][] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(bytes: Uint8Array, options: PickleOptions) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.options = options;
  }

  run(): unknown {
    for (;;) {
      const opcode = this.uint(1);
      if (opcode === STOP) break;
      const handler = handlers.get(opcode);
      if (handler) handler(this);
      else this.refuse(`opcode ${nameOf(opcode)} is not allowed`);
    }
    const value = this.pop();
    if (this.stack.length > 0 || this.below.length > 0) this.refuse("values are left over");
    if (this.at !== this.bytes.length) this.refuse("bytes follow its end");
    return value;
  }

  refuse(reason: string): never {
    throw new FormatError(
      `readPickle: ${this.options.label} is refused: ${reason}. Only tensors, dicts, lists, strings and numbers are read.`,
    );
  }

  /** An unsigned little-endian integer of 1, 2, 4 or 8 bytes. */
  uint(size: 1 | 2 | 4 | 8): number {
    const at = this.take(size);
    if (size === 1) return this.view.getUint8(at);
    if (size === 2) return this.view.getUint16(at, true);
    const low = this.view.getUint32(at, true);
    return size === 4 ? low : low + this.view.getUint32(at + 4, true) * 2 ** 32;
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  /** Big-endian, unlike all else. */
  float(): number {
    return this.view.getFloat64(this.take(8), false);
  }

  /** A two's complement integer of up to 255 bytes. */
  long(size: number): number | bigint {
    const begin = this.take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[begin + i]);
    const signed = BigInt.asIntN(8 * size, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  text(length: number): string {
    const begin = this.take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        new Uint8Array(this.bytes.subarray(begin, begin + length)),
      );
    } catch {
      return this.refuse("a string is not UTF-8");
    }
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.refuse("it is cut off");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0) this.refuse("it takes a value where there is none");
    return this.stack.pop();
  }

  top(): unknown {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    this.below.push(this.stack);
    this.stack = [];
  }

  /** The values above the last mark, which goes with them. */
  sinceMark(): unknown[] {
    const values = this.stack;
    const below = this.below.pop();
    if (!below) return this.refuse("it takes values to a mark where there is none");
    this.stack = below;
    return values;
  }

  store(index: number): void {
    this.memo.set(index, this.top());
  }

  storeNext(): void {
    this.store(this.memo.size);
  }

  recall(index: number): void {
    if (!this.memo.has(index)) this.refuse(`it recalls value ${index}, which it has not stored`);
    this.push(this.memo.get(index));
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== "string" || typeof name !== "string") this.refuse("it names a global by no string");
    const path = `${module}.${name}`;
    const found = this.options.globals.get(path);
    if (!found) this.refuse(`global ${JSON.stringify(path.slice(0, 200))} is not allowed`);
    this.push(found);
  }

  /** Calls an allowed global. */
  reduce(): void {
    const [args, callee] = [this.pop(), this.pop()];
    if (!(callee instanceof PickleGlobal) || !callee.call || !Array.isArray(args))
      this.refuse("it calls what is not an allowed function");
    this.push(callee.call(args));
  }

  /** Attributes of a dict, such as the `_metadata` of a state dict, are no values of it. */
  build(): void {
    const attributes = this.pop();
    if (!(this.top() instanceof Map && attributes instanceof Map))
      this.refuse("it sets the state of an object that is not a dict");
  }

  extend(values: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) this.refuse("it appends to what is not a list");
    for (const value of values) list.push(value);
  }

  setItems(pairs: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || pairs.length % 2 !== 0) this.refuse("it sets items of what is not a dict");
    for (let i = 0; i < pairs.length; i += 2) {
      if (typeof pairs[i] !== "string" && typeof pairs[i] !== "number")
        this.refuse("a key of a dict is neither a string nor a number");
      dict.set(pairs[i], pairs[i + 1]);
    }
  }

  tuple(size: number): void {
    const values = Array.from({ length: size }, () => this.pop());
    this.push(values.reverse());
  }

  persistent(): void {
    this.push(this.options.persistent(this.pop()));
  }

  /** Where the next `size` bytes begin. */
  take(size: number): number {
    const begin = this.at;
    if (size > this.bytes.length - begin) this.refuse("it is cut off");
    this.at += size;
    return begin;
  }
}

const STOP = 0x2e;

/** What the opcodes of plain data do. */
const handlers: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [0x80, (m) => void m.uint(1)], //                                             PROTO
  [0x95, (m) => void m.uint(8)], //                                             FRAME
  [0x28, (m) => m.mark()], //                                                   MARK
  [0x30, (m) => void m.pop()], //                                               POP
  [0x4e, (m) => m.push(null)], //                                               NONE
  [0x88, (m) => m.push(true)], //                                               NEWTRUE
  [0x89, (m) => m.push(false)], //                                              NEWFALSE
  [0x4a, (m) => m.push(m.int32())], //                                          BININT
  [0x4b, (m) => m.push(m.uint(1))], //                                          BININT1
  [0x4d, (m) => m.push(m.uint(2))], //                                          BININT2
  [0x8a, (m) => m.push(m.long(m.uint(1)))], //                                  LONG1
  [0x47, (m) => m.push(m.float())], //                                          BINFLOAT
  [0x58, (m) => m.push(m.text(m.uint(4)))], //                                  BINUNICODE
  [0x8c, (m) => m.push(m.text(m.uint(1)))], //                                  SHORT_BINUNICODE
  [0x7d, (m) => m.push(new Map())], //                                          EMPTY_DICT
  [0x5d, (m) => m.push([])], //                                                 EMPTY_LIST
  [0x29, (m) => m.push([])], //                                                 EMPTY_TUPLE
  [0x85, (m) => m.tuple(1)], //                                                 TUPLE1
  [0x86, (m) => m.tuple(2)], //                                                 TUPLE2
  [0x87, (m) => m.tuple(3)], //                                                 TUPLE3
  [0x74, (m) => m.push(m.sinceMark())], //                                      TUPLE
  [0x61, (m) => m.extend([m.pop()])], //                                        APPEND
  [0x65, (m) => m.extend(m.sinceMark())], //                                    APPENDS
  [0x73, (m) => m.setItems([m.pop(), m.pop()].reverse())], //                   SETITEM
  [0x75, (m) => m.setItems(m.sinceMark())], //                                  SETITEMS
  [0x71, (m) => m.store(m.uint(1))], //                                         BINPUT
  [0x72, (m) => m.store(m.uint(4))], //                                         LONG_BINPUT
  [0x94, (m) => m.storeNext()], //                                              MEMOIZE
  [0x68, (m) => m.recall(m.uint(1))], //                                        BINGET
  [0x6a, (m) => m.recall(m.uint(4))], //                                        LONG_BINGET
  [0x63, (m) => m.global(m.line(), m.line())], //                               GLOBAL
  [0x93, (m) => m.global(...([m.pop(), m.pop()].reverse() as [unknown, unknown]))], // STACK_GLOBAL
  [0x52, (m) => m.reduce()], //                                                 REDUCE
  [0x62, (m) => m.build()], //                                                  BUILD
  [0x51, (m) => m.persistent()], //                                             BINPERSID
]);

/** Names of those that are refused, for the message. */
const refused: Readonly<Record<number, string>> = {
  ...{ 49: "POP_MARK", 50: "DUP", 70: "FLOAT", 73: "INT", 76: "LONG", 80: "PERSID", 83: "STRING" },
  ...{ 84: "BINSTRING", 85: "SHORT_BINSTRING", 86: "UNICODE", 66: "BINBYTES", 67: "SHORT_BINBYTES" },
  ...{ 100: "DICT", 103: "GET", 105: "INST", 108: "LIST", 111: "OBJ", 112: "PUT", 129: "NEWOBJ" },
  ...{ 130: "EXT1", 131: "EXT2", 132: "EXT4", 139: "LONG4", 141: "BINUNICODE8", 142: "BINBYTES8" },
  ...{ 143: "EMPTY_SET", 144: "ADDITEMS", 145: "FROZENSET", 146: "NEWOBJ_EX", 150: "BYTEARRAY8" },
  ...{ 151: "NEXT_BUFFER", 152: "READONLY_BUFFER" },
};

function nameOf(opcode: number): string {
  return refused[opcode] ?? `0x${opcode.toString(16).padStart(2, "0")}`;
}
