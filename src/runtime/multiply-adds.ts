import type { KernelName } from "./kernels.js";
import type { Cost } from "./work.js";

/** Of a product of rows, or of what pixels see, with columns: one for each term of each result. */
const terms: Cost = (m, n, k) => m * n * k;

/**
 * Multiply-adds of a call, of the kernels that are products at heart; others count as none, as is usual. The gradient of
 * attention makes five products where the forward pass makes two. Convolutions by tiles count what they compute, which is
 * 16 for the definition's 36; those of few taps or channels (depthwise, joined phases) count as none.
 */
const products: Partial<Record<KernelName, Cost>> = {
  gemm_f32: terms,
  gemm_batch_f32: (batch, m, n, k) => batch * m * n * k,
  gemm_i8: (_strips, n, k, rows) => rows * n * k,
  attention_f32: (items, _heads, tokens, dim, queries) => 2 * items * tokens * queries * dim,
  attention_grad_f32: (items, _heads, tokens, dim, queries) => 5 * items * tokens * queries * dim,
  attention_bias_grad_f32: (_parts, items, _share, _heads, tokens, dim, queries) => 2 * items * tokens * queries * dim,
  nearest_rows_f32: terms,
  conv_f32: (pixels, n, _channels, _window, _x, _from, count) => pixels * n * count,
  conv_grad_weight_f32: (panels, n, _channels, pixels) => 8 * panels * n * pixels,
  conv_winograd_f32: (tiles, n, channels) => 16 * tiles * n * channels,
  conv_winograd_products_f32: (parts, _n, channels, tiles) => 8 * parts * channels * tiles,
};

/** Multiply-adds of a call of a kernel with these arguments. */
export function multiplyAddsOf(name: KernelName, args: readonly number[]): number {
  return products[name]?.(...args) ?? 0;
}
