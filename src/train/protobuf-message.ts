/** How the bytes of a field are to be read (protobuf.dev/programming-guides/encoding). */
const WIRE = { varint: 0, bits64: 1, counted: 2, bits32: 5 } as const;

/** A protobuf message in the making, field by field; numbers little-endian. */
export class ProtobufMessage {
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  /** A whole number ≥ 0, seven bits to a byte. */
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
    return this.counted(field, new TextEncoder().encode(value));
  }

  message(field: number, value: ProtobufMessage): this {
    return this.counted(field, value.bytes());
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  private counted(field: number, bytes: Uint8Array): this {
    return this.key(field, WIRE.counted).append(varint(bytes.length)).append(bytes);
  }

  private key(field: number, wire: number): this {
    return this.append(varint(field * 8 + wire));
  }

  private append(bytes: Uint8Array): this {
    this.parts.push(bytes);
    this.length += bytes.length;
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
