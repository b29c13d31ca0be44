import * as assert from "uvu/assert";
import { inlinedModule } from "../../src/runtime/kernels.js";
import { withMemoryImport } from "../../src/runtime/memory-import.js";
import { test } from "../support/test.js";

const compiled = (bytes: Uint8Array) => new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
const links = (bytes: Uint8Array, shared: boolean) => {
  const memory = new WebAssembly.Memory({ initial: 80, maximum: 100, shared });
  try {
    new WebAssembly.Instance(compiled(bytes), { env: { memory } });
    return true;
  } catch {
    return false;
  }
};

test("a module links with the kind of memory that it was made for, and with no other", () => {
  const [own, shared] = [false, true].map((flag) => withMemoryImport(inlinedModule(), flag));
  assert.equal([links(own, false), links(own, true)], [true, false]);
  assert.equal([links(shared, false), links(shared, true)], [false, true]);
});

test("the kinds differ in one byte, and each can be made of the other", () => {
  const bytes = inlinedModule();
  const shared = withMemoryImport(bytes, true);
  assert.is(shared.filter((byte, i) => byte !== bytes[i]).length, 1);
  assert.equal(withMemoryImport(shared, false), bytes);
  assert.equal(bytes, inlinedModule(), "the bytes given stay as they are");
});

test("what is right already, or has no such import, comes back as it is", () => {
  const bytes = inlinedModule();
  assert.is(withMemoryImport(bytes, false), bytes);
  const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const type = [1, 4, 1, 0x60, 0, 0];
  const importsOf = (...rest: number[]) => [2, rest.length, ...rest];
  for (const odd of [
    [1, 2, 3],
    magic,
    [...magic, ...importsOf(0)],
    [...magic, ...type, ...importsOf(1, 1, 0x65, 1, 0x66, 0, 0)], // a function
    [...magic, ...importsOf(1, 1, 0x65, 1, 0x6d, 2, 0x00, 1)], //     a memory without a maximum
  ]) {
    const given = Uint8Array.from(odd);
    assert.is(withMemoryImport(given, true), given);
  }
});
