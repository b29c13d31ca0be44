/** Every differentiable operation, for `ops.linear(…)`. */

export { gelu, relu } from "./ops/activation.js";
export { attention } from "./ops/attention.js";
export { batchNorm } from "./ops/batch-norm.js";
export { resizeBilinear } from "./ops/bilinear.js";
export { concatColumns, concatRows } from "./ops/concat.js";
export { conv2d } from "./ops/conv2d.js";
export { crossEntropy, distillation, softCrossEntropy } from "./ops/cross-entropy.js";
export { add, addRow, multiply, scale, subtract } from "./ops/elementwise.js";
export { gatherRows } from "./ops/gather.js";
export { groupNorm } from "./ops/group-norm.js";
export { layerNorm } from "./ops/layer-norm.js";
export { contiguous } from "./ops/layout.js";
export { linear } from "./ops/linear.js";
export { logDistance } from "./ops/log-distance.js";
export { maskRows } from "./ops/mask-rows.js";
export { matmul } from "./ops/matmul.js";
export { nearestRows } from "./ops/nearest.js";
export { l2Normalize, weightNorm } from "./ops/normalize.js";
export { patchify } from "./ops/patchify.js";
export { avgPool2d, globalAvgPool, maxPool2d } from "./ops/pool.js";
export { mean, sum, weightedSum } from "./ops/reduce.js";
export { residual } from "./ops/residual.js";
export { resample } from "./ops/resize.js";
export { sinkhornKnopp } from "./ops/sinkhorn.js";
export { logSoftmax, softmax } from "./ops/softmax.js";
export { embedTokens } from "./ops/tokens.js";
export { joinWindows, mergePatches, partitionWindows } from "./ops/windows.js";
