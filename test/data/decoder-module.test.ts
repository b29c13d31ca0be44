import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { decoderModule } from "../../src/data/decoder-module.js";
import { ResourceError } from "../../src/errors.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";

test("a decoder that is missing or damaged is a fault of the installation, not a broken image", () => {
  assert.instance(decoderModule("@cwasm/webp/webp.wasm"), WebAssembly.Module);
  for (const file of ["@cwasm/webp/none.wasm", "@cwasm/none/none.wasm"])
    refuses(
      () => decoderModule(file),
      ResourceError,
      `decode: the decoder ${file} cannot be loaded (Cannot find module`,
    );
  refuses(() => decoderModule("@cwasm/webp/none.wasm"), ResourceError, "Install poa again, with its dependencies.");
  const text = fileURLToPath(new URL("../../../package.json", import.meta.url));
  refuses(() => decoderModule(text), ResourceError, "cannot be loaded (WebAssembly.Module(): ");
});
