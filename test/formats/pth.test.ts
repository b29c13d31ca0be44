import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/errors.js";
import { isBarePickle, isZip, readPth } from "../../src/formats/pth.js";
import { toFloat32 } from "../../src/formats/safetensors.js";
import { readStoredZip } from "../../src/formats/zip.js";
import { refuses } from "../support/refuses.js";
import { storedZip } from "../support/stored-zip.js";
import { test } from "../support/test.js";

const fixture = (name: string) => readFileSync(new URL(`../../../test/fixtures/pth/${name}`, import.meta.url));

/** The archive with another pickle, or other files. */
function rebuilt(name: string, change: (files: Map<string, Uint8Array>) => void): Buffer {
  const files = readStoredZip(fixture(name), name);
  change(files);
  return storedZip([...files].map(([name, data]) => ({ name, data })));
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test("every element type and view that PyTorch writes is read, by either pickle protocol", () => {
  for (const name of ["values.pth", "protocol4.pth"]) {
    const { tensors } = readPth(fixture(name), name);
    const shown = Object.fromEntries(
      [...tensors].map(([key, { dtype, shape, data }]) => [
        key.replace("teacher.", ""),
        [dtype, shape, [...data].map(Number)],
      ]),
    );
    assert.equal(shown, {
      f32: ["F32", [4, 6], range(24)],
      f64: ["F64", [6], range(6)],
      f16: ["F16", [2], [0x3e00, 0xc000]],
      bf16: ["BF16", [2], [0x3fc0, 0xc000]],
      i64: ["I64", [], [7]],
      i32: ["I32", [2], [1, -2]],
      i16: ["I16", [1], [3]],
      i8: ["I8", [1], [-4]],
      u8: ["U8", [1], [5]],
      bool: ["BOOL", [2], [1, 0]],
      transposed: ["F32", [6, 4], range(24).map((i) => (i % 4) * 6 + Math.floor(i / 4))],
      columns: ["F32", [4, 2], [1, 2, 7, 8, 13, 14, 19, 20]],
      row: ["F32", [6], [12, 13, 14, 15, 16, 17]],
      empty: ["F32", [0, 3], []],
      part: ["F32", [3], [2, 3, 4]],
      whole: ["F32", [8], range(8)],
      step: ["F32", [4], [0, 2, 4, 6]],
    });
    assert.ok([...tensors.keys()].every((key) => key.startsWith("teacher.")));
    assert.equal([...toFloat32(tensors.get("teacher.bf16")!)], [1.5, -2]);
  }
});

test("state dicts, parameters and lists give tensors by name", () => {
  for (const name of ["state_dict.pth", "parameters.pth"]) {
    const { tensors } = readPth(fixture(name), name);
    assert.equal(
      [...tensors].map(([key, { dtype, shape }]) => [key, dtype, shape]),
      [
        ["weight", "F32", [2, 3]],
        ["bias", "F32", [2]],
      ],
    );
  }
  assert.equal([...readPth(fixture("list.pth"), "list.pth").tensors.keys()], ["list.0", "list.1.deep"]);
});

test("dense tensors are views of the file", () => {
  const bytes = new Uint8Array(fixture("state_dict.pth"));
  for (const { data } of readPth(bytes, "x").tensors.values()) assert.is(data.buffer, bytes.buffer);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  const { tensors } = readPth(shifted.subarray(1), "x");
  assert.equal([...tensors.get("bias")!.data], [...readPth(bytes, "x").tensors.get("bias")!.data], "else copies");
});

test("a pickle that calls os.system is refused, and nothing is run", () => {
  refuses(
    () => readPth(fixture("os_system.pth"), "os_system.pth"),
    FormatError,
    'global "posix.system" is not allowed',
  );
  assert.not.ok(existsSync("/tmp/poa-test-was-here"));
});

test("modules, numpy scalars, TorchScript and the old format are refused with their reason", () => {
  for (const [name, reason] of [
    ["module.pth", 'global "torch.nn.modules.linear.Linear"'],
    ["numpy_scalar.pth", 'global "numpy.core.multiarray.scalar"'],
    ["torchscript.pt", "is compressed, which files of torch.save are not"],
    ["legacy.pth", "the format before PyTorch 1.6"],
  ] as const) {
    refuses(() => readPth(fixture(name), name), FormatError, reason);
    refuses(() => readPth(fixture(name), name), FormatError, name);
  }
});

test("the first bytes tell an archive from the old format", () => {
  assert.equal([isZip(fixture("values.pth")), isBarePickle(fixture("values.pth"))], [true, false]);
  assert.equal([isZip(fixture("legacy.pth")), isBarePickle(fixture("legacy.pth"))], [false, true]);
  assert.equal([isZip(new Uint8Array(2)), isBarePickle(new Uint8Array(1))], [false, false]);
});

test("an archive without its pickle or a storage, with code, or of a big-endian host is refused", () => {
  const without = (path: string) => rebuilt("state_dict.pth", (files) => void files.delete(`state_dict/${path}`));
  refuses(() => readPth(without("data.pkl"), "x"), FormatError, "has one data.pkl, this one 0");
  refuses(() => readPth(without("data/1"), "x"), FormatError, 'storage "1" is not in the archive');
  const withFile = (path: string, text: string) =>
    rebuilt("state_dict.pth", (files) => void files.set(`state_dict/${path}`, Buffer.from(text)));
  refuses(() => readPth(withFile("constants.pkl", ""), "x"), FormatError, "TorchScript");
  refuses(() => readPth(withFile("byteorder", "big"), "x"), FormatError, "big-endian");
  assert.is(readPth(withFile("byteorder", "little"), "x").tensors.size, 2);
  refuses(() => readPth(withFile("data/1", "short"), "x"), FormatError, "storage 1 has 5 bytes, not those of 2 F32");
});

/** An archive with the given pickle and one storage "0" of four float32. */
const withPickle = (...parts: (string | readonly number[])[]) =>
  storedZip([
    { name: "a/data.pkl", data: Buffer.concat(parts.map((part) => Buffer.from(part as string, "latin1"))) },
    { name: "a/data/0", data: new Uint8Array(16) },
  ]);
const storage = "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ";
/** Opcodes of a tensor of that storage; the numbers are single bytes. */
const tensor = (offset: number, shape: readonly number[], strides: readonly number[]) => {
  const tuple = (numbers: readonly number[]) => `(${numbers.map((n) => `K${String.fromCharCode(n)}`).join("")}t`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K${String.fromCharCode(offset)}${tuple(shape)}${tuple(strides)}\x89}tR`;
};

test("tensors that reach outside their storage are refused", () => {
  assert.equal(readPth(withPickle("}K\x05", tensor(1, [3], [1]), "s."), "x").tensors.get("5")!.shape, [3]);
  for (const bad of [
    tensor(2, [3], [1]),
    tensor(0, [2, 2], [3, 1]),
    tensor(200, [0], [1]),
    tensor(0, [200, 200], [0, 0]),
    tensor(0, [5], [0]),
  ])
    refuses(() => readPth(withPickle(bad, "."), "x"), FormatError, "is larger than its storage of 4 elements");
  refuses(() => readPth(withPickle(tensor(0, [2], [1, 1]), "."), "x"), FormatError, "1 extents and 2 strides");
  const huge =
    "ctorch._utils\n_rebuild_tensor_v2\n(" +
    storage +
    "K\0(\x8a\x06\xff\xff\xff\xff\xff\x0f\x8a\x06\xff\xff\xff\xff\xff\x0ft(K\0K\0t\x89}tR.";
  refuses(() => readPth(withPickle(huge), "x"), FormatError, "is larger than its storage");
  refuses(
    () => readPth(withPickle("ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\0))\x89}tR."), "x"),
    FormatError,
    "described by something",
  );
  refuses(() => readPth(withPickle("K\x01Q."), "x"), FormatError, "not that of a storage");
});

test("dicts that hold each other, however deep, end in a refusal", () => {
  const padding = `X\x80\0\0\0${"n".repeat(128)}0`;
  refuses(() => readPth(withPickle(padding, "}q\0K\x01h\0s."), "x"), FormatError, "nested too deeply");
  const level = (from: number) =>
    `}q${String.fromCharCode(from + 1)}K\x01h${String.fromCharCode(from)}sK\x02h${String.fromCharCode(from)}s`;
  const laughs = `}q\0${Array.from({ length: 30 }, (_, i) => `0${level(i)}`).join("")}.`;
  refuses(() => readPth(withPickle(laughs), "x"), FormatError, "name each other too often");
  const long = `}X\x00\x08\x00\x00${"n".repeat(2048)}${tensor(0, [1], [1])}s.`;
  refuses(() => readPth(withPickle(long), "x"), FormatError, "is too long");
});

test("copies of overlapping views are bounded by the file", () => {
  const one = tensor(0, [2, 2], [1, 2]);
  const many = `](${one}q\x09${"h\x09".repeat(200)}e.`;
  refuses(() => readPth(withPickle(many), "x"), FormatError, "take more memory than the file");
});

test("any byte of the pickle that is changed gives a FormatError or tensors, and never another error", () => {
  const pickle = readStoredZip(fixture("state_dict.pth"), "x").get("state_dict/data.pkl")!;
  for (let i = 0; i < pickle.length; i++) {
    for (const change of [0x01, 0x10, 0x80, 0xff]) {
      const changed = rebuilt("state_dict.pth", (files) => {
        const copy = Uint8Array.from(pickle);
        copy[i] ^= change;
        files.set("state_dict/data.pkl", copy);
      });
      try {
        readPth(changed, "x");
      } catch (error) {
        assert.instance(error, FormatError, `byte ${i} ^ ${change}: ${(error as Error).stack}`);
      }
    }
  }
});

test("a file cut off anywhere is refused", () => {
  const file = fixture("state_dict.pth");
  for (let length = 0; length < file.length; length += 7)
    refuses(() => readPth(file.subarray(0, length), "cut.pth"), FormatError, "cut.pth");
});
