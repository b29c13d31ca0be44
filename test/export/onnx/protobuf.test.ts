import * as assert from "uvu/assert";
import { Message } from "../../../src/export/onnx/protobuf.js";
import { test } from "../../support/test.js";

const bytes = (message: Message) => [...message.finish()];

test("numbers are varints, the examples of the encoding's own description among them", () => {
  assert.equal(bytes(new Message().int(1, 150)), [0x08, 0x96, 0x01]);
  assert.equal(bytes(new Message().int(1, 0).int(2, 127).int(3, 128)), [0x08, 0, 0x10, 127, 0x18, 0x80, 1]);
  assert.equal(bytes(new Message().int(16, 1)), [0x80, 0x01, 1]);
  assert.equal(bytes(new Message().int(1, -1)), [0x08, ...new Array(9).fill(255), 1]);
  assert.equal(bytes(new Message().int(1, 2 ** 40)), [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
  assert.equal(bytes(new Message().ints(8, [1, 300])), [0x40, 1, 0x40, 0xac, 2]);
});

test("texts, bytes, floats and messages follow their length or lie in four bytes", () => {
  assert.equal(bytes(new Message().text(2, "testing")), [0x12, 7, ...Buffer.from("testing")]);
  assert.equal(bytes(new Message().text(2, "é")), [0x12, 2, 0xc3, 0xa9]);
  assert.equal(bytes(new Message().float(2, 1.5)), [0x15, 0, 0, 0xc0, 0x3f]);
  assert.equal(bytes(new Message().message(3, new Message().int(1, 150))), [0x1a, 3, 0x08, 0x96, 0x01]);
  const long = new Message().bytes(9, new Uint8Array(300));
  assert.is(long.length, 303);
  assert.equal(bytes(long).slice(0, 3), [0x4a, 0xac, 2]);
});
