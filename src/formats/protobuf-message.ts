/** How the bytes of a field are to be read (protobuf.dev/programming-guides/encoding). */
const WIRE = { varint: 0, bits64: 1, counted: 2, bits32: 5 } as const;

/** A protobuf message in the making, field by field; numbers little-endian. */
export class ProtobufMessage {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  /** Bytes so far. */
  get length(): number {
    return this.size;
  }

  /** A whole number, seven bits to a byte; a negative one as its complement of 64 bits. */
  whole(field: number, value: number): this {
    return this.key(field, WIRE.varint).append(varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.key(field, WIRE.bits32).append(bytes);
  }

  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.key(field, WIRE.bits64).append(bytes);
  }

  text(field: number, value: string): this {
    return this.raw(field, new TextEncoder().encode(value));
  }

  /** Bytes as they are; they are not copied before `bytes()`. */
  raw(field: number, value: Uint8Array): this {
    return this.key(field, WIRE.counted).append(varint(value.length)).append(value);
  }

  /** A message that is complete by now. */
  message(field: number, value: ProtobufMessage): this {
    this.key(field, WIRE.counted).append(varint(value.size));
    for (const part of value.parts) this.append(part);
    return this;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  private key(field: number, wire: number): this {
    return this.append(varint(field * 8 + wire));
  }

  private append(bytes: Uint8Array): this {
    this.parts.push(bytes);
    this.size += bytes.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  if (value < 0) return complement(value);
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Ten bytes, of which the last holds the one bit that is left. */
function complement(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  return Uint8Array.from({ length: 10 }, (_, i) => {
    const low = Number(rest & 127n);
    rest >>= 7n;
    return i < 9 ? low + 128 : low;
  });
}
