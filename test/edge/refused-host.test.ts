import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { ResourceError } from "../../src/errors.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { dispose, init, isRunning } from "../../src/runtime/context.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();
const bundle = encoderBundle(tinyEncoder());

/** What loading says on a host that the change makes of this one. */
async function refusal(change: () => () => void): Promise<string> {
  dispose();
  const undo = change();
  try {
    await loadEncoder(bundle, { threads: 1 });
  } catch (error) {
    assert.instance(error, ResourceError);
    assert.is(isRunning(), false);
    return (error as Error).message;
  } finally {
    undo();
  }
  throw new Error("was loaded");
}

test("without WebAssembly one sentence says so, and the way out", async () => {
  const real = globalThis.WebAssembly;
  const message = await refusal(() => {
    Reflect.deleteProperty(globalThis, "WebAssembly");
    return () =>
      void Object.defineProperty(globalThis, "WebAssembly", { value: real, configurable: true, writable: true });
  });
  assert.match(message, /^init: this host has no WebAssembly\. Start Node without --jitless/);
});

test("without SIMD one sentence says so, and the way out", async () => {
  const { validate } = WebAssembly;
  const message = await refusal(() => {
    WebAssembly.validate = () => false;
    return () => {
      WebAssembly.validate = validate;
    };
  });
  assert.match(message, /^init: the kernels need WebAssembly SIMD, which this host lacks\. Use Node 20/);
});

test("where nothing may be compiled one sentence says so, and the way out", async () => {
  const real = WebAssembly.Module;
  const message = await refusal(() => {
    WebAssembly.Module = class {
      constructor() {
        throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
      }
    } as unknown as typeof WebAssembly.Module;
    return () => {
      WebAssembly.Module = real;
    };
  });
  assert.match(message, /^init: this page may not compile WebAssembly \(.*disallowed.*\)\. .*'wasm-unsafe-eval'/);
});

test("and with all of it back, the encoder is loaded", async () => {
  const encoder = await loadEncoder(bundle, { threads: 1 });
  assert.is(encoder.featureDim, 16);
  encoder.dispose();
});
