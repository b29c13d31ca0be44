import { readdirSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { inlinedModule, instantiateKernels, signatures } from "../../src/runtime/kernels.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { test } from "../support/test.js";

test("the inlined module exports exactly the kernels that are declared", () => {
  const module = new WebAssembly.Module(inlinedModule() as Uint8Array<ArrayBuffer>);
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function");
  assert.equal(functions.map(({ name }) => name).sort(), Object.keys(signatures).sort());
});

test("the relaxed module is loaded by nothing but a request for it", () => {
  const runtime = new URL("../../src/runtime/", import.meta.url);
  for (const file of readdirSync(runtime).filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(new URL(file, runtime), "utf8");
    assert.not.match(text, /from "[^"]*kernels-relaxed/, file);
  }
  assert.match(
    readFileSync(new URL("kernels.js", runtime), "utf8"),
    /await import\("\.\/generated\/kernels-relaxed\.js"\)/,
  );
});

test("the module asks for nothing but a memory", () => {
  const module = new WebAssembly.Module(inlinedModule() as Uint8Array<ArrayBuffer>);
  assert.equal(WebAssembly.Module.imports(module), [{ module: "env", name: "memory", kind: "memory" }]);
});

test("two instances share a memory: what one writes the other reads", () => {
  const { memory, f32 } = new WasmHeap({ initialBytes: 1 << 20 });
  const [first, second] = [instantiateKernels(memory), instantiateKernels(memory)];
  first.fill_f32(8, 3, 1 << 19, 0, 8);
  second.scale_f32(8, 2, 1 << 19, 0, 1 << 19, 0, 8);
  assert.equal([...f32.slice((1 << 19) >> 2, ((1 << 19) >> 2) + 8)], new Array(8).fill(6));
});
