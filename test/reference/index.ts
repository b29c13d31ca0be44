// All reference kernels by name, for `init({ kernels })`.
export * from "./activation.js";
