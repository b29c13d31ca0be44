import * as assert from "uvu/assert";

/** What one record of an event file says. */
export interface ReadEvent {
  readonly wallTime: number;
  /** 0 where it is left out, as protobuf has it. */
  readonly step: number;
  readonly fileVersion?: string;
  readonly sessionStatus?: number;
  readonly scalars?: readonly (readonly [tag: string, value: number])[];
}

/** CRC-32C bit by bit, with the mask of TFRecord files. */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The records of a TFRecord file; fails on a wrong checksum and on bytes that are left over. */
export function readRecords(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    assert.is(view.getUint32(at + 8, true), maskedCrc(file.subarray(at, at + 8)), "checksum of a length");
    const data = file.subarray(at + 12, at + 12 + length);
    assert.is(data.length, length, "a record ends inside the file");
    assert.is(view.getUint32(at + 12 + length, true), maskedCrc(data), "checksum of a record");
    records.push(data);
    at += length + 16;
  }
  return records;
}

type Field = readonly [number: number, wire: number, value: bigint | Uint8Array];

/** The fields of a protobuf message in order: varints and fixed numbers as bigint, the rest as bytes. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      assert.ok(at < bytes.length && shift < 70n, "a varint ends");
      const byte = BigInt(bytes[at++]);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  const take = (length: number) => {
    assert.ok(at + length <= bytes.length, "a field ends inside its message");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const wire = key & 7;
    assert.ok([0, 1, 2, 5].includes(wire), `wire type ${wire}`);
    fields.push([key >> 3, wire, wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()))]);
  }
  return fields;
}

const text = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Fields of a message by number, each of the given wire type and there once. */
function single(bytes: Uint8Array, wires: Readonly<Record<number, number>>): Map<number, bigint | Uint8Array> {
  const found = new Map<number, bigint | Uint8Array>();
  for (const [number, wire, value] of fieldsOf(bytes)) {
    assert.is(wire, wires[number], `wire type of field ${number}`);
    assert.not.ok(found.has(number), `field ${number} twice`);
    found.set(number, value);
  }
  return found;
}

/** A Summary (tensorflow/core/framework/summary.proto) of scalars: repeated Value value = 1 { string tag = 1; float simple_value = 2 }. */
function scalarsOf(summary: Uint8Array): [string, number][] {
  return fieldsOf(summary).map(([number, wire, value]) => {
    assert.equal([number, wire], [1, 2]);
    const fields = single(value as Uint8Array, { 1: 2, 2: 5 });
    return [text(fields.get(1) as Uint8Array), viewOf(fields.get(2) as Uint8Array).getFloat32(0, true)];
  });
}

/**
 * The events of a file (tensorflow/core/util/event.proto): double wall_time = 1, int64 step = 2, string file_version = 3,
 * Summary summary = 5, SessionLog session_log = 7 { SessionStatus status = 1 }. Any other field is a failure.
 */
export function readEvents(file: Uint8Array): ReadEvent[] {
  return readRecords(file).map((record) => {
    const fields = single(record, { 1: 1, 2: 0, 3: 2, 5: 2, 7: 2 });
    const bytes = (number: number) => fields.get(number) as Uint8Array | undefined;
    const [version, summary, session] = [bytes(3), bytes(5), bytes(7)];
    return {
      wallTime: viewOf(bytes(1)!).getFloat64(0, true),
      step: Number(fields.get(2) ?? 0n),
      ...(version && { fileVersion: text(version) }),
      ...(summary && { scalars: scalarsOf(summary) }),
      ...(session && { sessionStatus: Number(single(session, { 1: 0 }).get(1)) }),
    };
  });
}
