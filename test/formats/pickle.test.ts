import * as assert from "uvu/assert";
import { FormatError } from "../../src/errors.js";
import { PickleGlobal, readPickle } from "../../src/formats/pickle.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

const globals = new Map([["m.pair", new PickleGlobal("m.pair", (args) => [...args, "made"])]]);
const read = (bytes: Uint8Array) =>
  readPickle(bytes, { label: "x.pkl", globals, persistent: (id) => ({ persistent: id }) });

/** Opcodes as text (one character a byte) and numbers. */
const pickle = (...parts: (string | number | readonly number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part, "latin1")] : part)));
const text = (word: string) => [0x8c, word.length, ...Buffer.from(word)];

test("numbers, strings, None and truth values are read", () => {
  for (const [bytes, value] of [
    [[0x4b, 200], 200],
    [[0x4d, 0x39, 0x30], 12345],
    [[0x4a, 0xff, 0xff, 0xff, 0xff], -1],
    [[0x8a, 0], 0],
    [[0x8a, 2, 0x00, 0xff], -256],
    [[0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x40], 2n ** 62n],
    [[0x47, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5],
    [[0x4e], null],
    [[0x88], true],
    [[0x89], false],
    [[0x58, 3, 0, 0, 0, 0xc3, 0xbc, 0x21], "ü!"],
    [text("word"), "word"],
  ] as const) {
    assert.is(read(pickle([0x80, 2], bytes, ".")), value);
  }
});

test("dicts, lists and tuples nest, and values are recalled", () => {
  const bytes = pickle("}q", 0, "(", text("a"), "]", 0x94, "(", "K", 1, "K", 2, "e", text("b"), "h", 1, 0x85, "u.");
  assert.equal(
    read(bytes),
    new Map<string, unknown>([
      ["a", [1, 2]],
      ["b", [[1, 2]]],
    ]),
  );
  assert.equal(read(pickle("]", "K", 7, "a", ".")), [7]);
  assert.equal(read(pickle("}", text("k"), "K", 7, "s.")), new Map([["k", 7]]));
  assert.equal(read(pickle("(", "K", 1, "K", 2, "t.")), [1, 2]);
  assert.equal(read(pickle(")", "K", 1, "0.")), [], "what is dropped is gone");
});

test("allowed globals are called by either way of naming them, and persistent ids are resolved", () => {
  assert.equal(read(pickle("cm\npair\n", "K", 1, 0x85, "R.")), [1, "made"]);
  assert.equal(read(pickle(text("m"), text("pair"), 0x93, ")R.")), ["made"]);
  assert.equal(read(pickle("K", 5, "Q.")), { persistent: 5 });
});

test("attributes of a dict are left out", () => {
  assert.equal(read(pickle("}}", text("_metadata"), "K", 1, "sb.")), new Map());
});

test("every other global is refused by name, called or not", () => {
  refuses(() => read(pickle("cposix\nsystem\n", text("ls"), 0x85, "R.")), FormatError, 'global "posix.system"');
  refuses(() => read(pickle(text("builtins"), text("eval"), 0x93, ".")), FormatError, 'global "builtins.eval"');
  refuses(() => read(pickle("cm\npair.__globals__\n.")), FormatError, 'global "m.pair.__globals__"');
  refuses(() => read(pickle("]", text("eval"), 0x93, ".")), FormatError, "names a global by no string");
});

test("every opcode that plain data does not need is refused by name", () => {
  for (const [opcode, name] of [
    ["i", "INST"],
    ["o", "OBJ"],
    [0x81, "NEWOBJ"],
    [0x92, "NEWOBJ_EX"],
    [0x82, "EXT1"],
    ["P", "PERSID"],
    [0x8f, "EMPTY_SET"],
    ["I", "INT"],
    [0xff, "0xff"],
    [0x00, "0x00"],
  ] as const) {
    refuses(() => read(pickle(opcode, "a\nb\n.")), FormatError, `x.pkl is refused: opcode ${name} is not allowed`);
  }
});

test("a program that uses values wrongly is refused", () => {
  for (const [bytes, message] of [
    [pickle("."), "takes a value where there is none"],
    [pickle(0x85, "."), "takes a value where there is none"],
    [pickle("K", 1, "t."), "to a mark where there is none"],
    [pickle("K", 1, "K", 2, "."), "values are left over"],
    [pickle("(K", 1, "."), "takes a value|left over"],
    [pickle("K", 1, ".", "K"), "bytes follow its end"],
    [pickle("h", 3, "."), "recalls value 3, which it has not stored"],
    [pickle("K", 1, ")R."), "calls what is not an allowed function"],
    [pickle("cm\npair\n", "K", 1, "R."), "calls what is not an allowed function"],
    [pickle("]}b."), "sets the state of an object that is not a dict"],
    [pickle("}K", 1, "a."), "appends to what is not a list"],
    [pickle("](K", 1, "K", 2, "u."), "sets items of what is not a dict"],
    [pickle("}(K", 1, "u."), "sets items of what is not a dict"],
    [pickle("}]K", 1, "s."), "a key of a dict is neither a string nor a number"],
    [pickle("X", 1, 0, 0, 0, 0xff, "."), "not UTF-8"],
  ] as const) {
    const parts = message.split("|");
    refuses(() => read(bytes), FormatError, parts[parts.length - 1]);
  }
});

test("a length beyond the end is refused without room being made for it", () => {
  for (const bytes of [
    pickle("X", 0xff, 0xff, 0xff, 0x7f, "a"),
    pickle(0x8a, 255, 1),
    pickle("cmodule without end"),
    pickle("K"),
    pickle(0x80, 2),
    pickle(),
  ])
    refuses(() => read(bytes), FormatError, "it is cut off");
});
