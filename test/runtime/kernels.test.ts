import * as assert from "uvu/assert";
import { inlinedModule, instantiateKernels, signatures } from "../../src/runtime/kernels.js";
import { WasmHeap } from "../../src/runtime/memory.js";
import { test } from "../support/test.js";

test("the inlined module exports exactly the kernels that are declared", () => {
  const module = new WebAssembly.Module(inlinedModule() as Uint8Array<ArrayBuffer>);
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === "function");
  assert.equal(functions.map(({ name }) => name).sort(), Object.keys(signatures).sort());
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
