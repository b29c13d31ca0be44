/** How a field lies on the wire. */
const VARINT = 0;
const BYTES = 2;
const FOUR_BYTES = 5;

const utf8 = new TextEncoder();

/** A protocol-buffers message under construction: fields in the order in which they are added, each with its number. */
export class Message {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  /** Bytes so far. */
  get length(): number {
    return this.size;
  }

  /** An int32, int64 or enum. */
  int(field: number, value: number): this {
    return this.add(varint(field * 8 + VARINT)).add(varint(value));
  }

  /** A repeated int64, one field for each. */
  ints(field: number, values: readonly number[]): this {
    for (const value of values) this.int(field, value);
    return this;
  }

  /** A float. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.add(varint(field * 8 + FOUR_BYTES)).add(bytes);
  }

  /** A string. */
  text(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  /** Bytes as they are; they are not copied before `finish`. */
  bytes(field: number, value: Uint8Array): this {
    return this.add(varint(field * 8 + BYTES))
      .add(varint(value.length))
      .add(value);
  }

  /** A message within this one, complete by now. */
  message(field: number, value: Message): this {
    this.add(varint(field * 8 + BYTES)).add(varint(value.size));
    for (const part of value.parts) this.add(part);
    return this;
  }

  finish(): Uint8Array {
    const all = new Uint8Array(this.size);
    let offset = 0;
    for (const part of this.parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  private add(part: Uint8Array): this {
    this.parts.push(part);
    this.size += part.length;
    return this;
  }
}

/** Seven bits a byte, the lowest first; a negative number as its 64-bit complement. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
