// The list of exported kernels, nothing else.
export { constants_table } from "./constants";
export { gelu_f32, gelu_grad_f32 } from "./activation";
