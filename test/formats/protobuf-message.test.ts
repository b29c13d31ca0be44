import * as assert from "uvu/assert";
import { ProtobufMessage } from "../../src/formats/protobuf-message.js";
import { test } from "../support/test.js";

const hex = (message: ProtobufMessage) => Buffer.from(message.bytes()).toString("hex");

test("fields are laid out as the encoding's description works them out by hand", () => {
  assert.is(hex(new ProtobufMessage().whole(1, 150)), "089601");
  assert.is(hex(new ProtobufMessage().text(2, "testing")), "120774657374696e67");
  assert.is(hex(new ProtobufMessage().message(3, new ProtobufMessage().whole(1, 150))), "1a03089601");
  assert.is(hex(new ProtobufMessage().double(1, 1)), "09000000000000f03f");
  assert.is(hex(new ProtobufMessage().float(2, -2)), "15000000c0");
  assert.is(hex(new ProtobufMessage().text(16, "ü")), "820102c3bc");
  assert.is(hex(new ProtobufMessage()), "");
});

test("whole numbers take seven bits to a byte, also beyond 32 bits, and negative ones ten bytes", () => {
  for (const [value, bytes] of [
    [0, "00"],
    [127, "7f"],
    [128, "8001"],
    [2 ** 32, "8080808010"],
    [Number.MAX_SAFE_INTEGER, "ffffffffffffff0f"],
    [-1, "ffffffffffffffffff01"],
    [-300, "d4fdffffffffffffff01"],
  ] as const)
    assert.is(hex(new ProtobufMessage().whole(1, value)), `08${bytes}`);
});

test("bytes stand behind their length, which a message tells while it grows", () => {
  const message = new ProtobufMessage().raw(9, new Uint8Array(300));
  assert.is(message.length, 303);
  assert.is(hex(message).slice(0, 8), "4aac0200");
  assert.is(hex(new ProtobufMessage().message(3, new ProtobufMessage().raw(1, Uint8Array.of(7, 8)))), "1a040a020708");
});
