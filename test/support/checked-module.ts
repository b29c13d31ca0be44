import { fileURLToPath } from "node:url";

/** Path of the module whose kernels assert their contracts; every build makes it. */
export const checkedModulePath = fileURLToPath(new URL("../../../build/checked.wasm", import.meta.url));
