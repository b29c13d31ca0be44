import { type KernelName, signatures } from "./kernels.js";

/** A call that would take less than this on one thread stays on it, in microseconds: dividing it costs more than it saves. */
export const LEAST_SHARED_US = 20;

/** Microseconds on one thread, roughly, from the extents that a call begins with. */
export type Cost = (...extents: number[]) => number;

/**
 * What reads and writes numbers and does little with them takes a tenth of a nanosecond for each, in cache. It counts half,
 * since numbers that another core has in its cache come slowly.
 */
const moves: Cost = (a, b = 1, c = 1, d = 1, e = 1) => 5e-5 * a * b * c * d * e;

/** What computes exponentials, logarithms or roots, or works on bytes: about half a nanosecond to one for each number. */
const computes: Cost = (a, b = 1, c = 1, d = 1, e = 1) => 6e-4 * a * b * c * d * e;

/** Only the first extent counts. */
const along =
  (usEach: number): Cost =>
  (n) =>
    usEach * n;

/** Only the first two extents count. */
const over =
  (usEach: number): Cost =>
  (a, b) =>
    usEach * a * b;

/** Only the first three extents count. */
const inThree: Cost = (a, b, c) => 1e-3 * a * b * c;

/** The parallel axis counts blocks of the second extent. */
const inBlocks: Cost = (_, n) => 5e-5 * n;

/** The same for blocks of rows that have the third extent. */
const inBlockRows: Cost = (_, rows, cols) => 5e-4 * rows * cols;

/**
 * Kernels whose cost is another than of what computes on the product of their extents. Only the division of work depends
 * on these numbers, no result does; they come from one core of a current server.
 */
const exceptions: Partial<Record<KernelName, Cost>> = {
  gemm_f32: (m, n, k) => 4e-5 * m * n * k,
  gemm_batch_f32: (batch, m, n, k) => 4e-5 * batch * m * n * k,
  pack_b_f32: over(2e-3),
  ...{ gemm_i8: (strips, n, k) => 8e-5 * strips * n * k, pack_a_i16: over(2e-3) },
  pack_b_i8: (_panels, n, k) => 2e-3 * n * k,
  nearest_rows_f32: (rows, count, cols) => 2e-4 * rows * count * cols,
  attention_f32: (items, _heads, tokens, dim, queries) => 8e-5 * items * tokens * queries * (dim + 8),
  attention_grad_f32: (items, _heads, tokens, dim, queries) => 2e-4 * items * tokens * queries * (dim + 8),
  attention_bias_grad_f32: (_parts, items, _share, _heads, tokens, dim) => 2e-4 * items * tokens * tokens * (dim + 8),
  conv_pack_weight_f32: (panels, _n, _channels, _taps, _from, terms) => 4e-3 * panels * terms,
  conv_grad_weight_f32: (panels, n, _channels, pixels) => 4e-4 * panels * n * pixels,
  ...{ conv_winograd_seen_f32: over(5e-3), conv_winograd_spread_f32: over(3e-3) },
  conv_winograd_products_f32: (parts, _n, channels, tiles) => 4e-4 * parts * channels * tiles,
  conv_winograd_grad_weight_f32: (panels, _n, channels) => 0.1 * panels * channels,
  conv_phases_f32: (lines, inputs, outputs) => 0.4 * lines * inputs * outputs,
  conv_phases_weight_f32: (segments, _inputs, outputs) => 0.05 * segments * outputs,
  ...{ group_norm_f32: inThree, group_norm_grad_input_f32: inThree, group_norm_sums_f32: inThree },

  ...{ batch_norm_moments_f32: inBlockRows, batch_norm_sums_f32: inBlockRows },
  batch_norm_join_f32: (channels, blocks) => 5e-3 * channels * blocks,

  ...{ relu_f32: moves, add_relu_f32: moves, relu_grad_f32: moves },
  ...{ mask_rows_f32: moves, mask_rows_grad_f32: moves, mask_rows_grad_token_f32: moves },
  ...{ add_f32: moves, subtract_f32: moves, multiply_f32: moves, multiply_grad_f32: moves, scale_f32: moves },
  ...{ fill_f32: moves, copy_f32: moves, add_row_f32: moves, gather_rows_f32: moves, scatter_add_rows_f32: moves },
  move_rows_f32: moves,
  ...{ column_sum_f32: moves, batch_sum_f32: moves, ema_f32: moves, sinkhorn_scale_f32: moves },
  ...{ sinkhorn_rows_f32: moves, sinkhorn_column_sums_f32: moves, sinkhorn_shares_f32: moves },
  ...{ embed_tokens_f32: moves, embed_tokens_grad_patches_f32: moves, embed_tokens_grad_mask_f32: moves },

  ...{ sum_blocks_f32: inBlocks, squared_norm_blocks_f32: inBlocks, max_blocks_f32: inBlocks },
  ...{ residual_f32: over(2e-4), residual_grad_branch_f32: over(2e-4) },
  residual_grad_gamma_f32: (_, tokensWidth, subset) => 2e-4 * tokensWidth * subset,
  patchify_f32: (patches, channels, _height, _width, patch) => 5e-4 * patches * channels * patch * patch,
  resample_f32: (rows, cols, channels) => 5e-3 * rows * cols * channels,
  resample_grad_f32: (channels, rows, cols) => 5e-3 * rows * cols * channels,
  resize_bilinear_f32: inThree,
  resize_bilinear_grad_f32: (lines, cols, channels, rows, inRows) =>
    (2e-3 * lines * cols * channels * rows) / Math.max(1, inRows),

  ...{ adamw_f32: along(1e-3), sgd_f32: along(3e-4) },
  ...{ uniform_f32: along(2e-3), normal_f32: along(1e-2), truncated_normal_f32: along(1e-2) },
  ...{ rotate_u8: over(1e-2), hue_u8: over(1e-2) },
};

/** How each kernel's cost is estimated. A new kernel needs no entry of its own unless its extents mislead. */
export const costs = Object.fromEntries(
  (Object.keys(signatures) as KernelName[]).map((name) => [name, exceptions[name] ?? computes]),
) as Record<KernelName, Cost>;

/** Parallel axes along which neighbours lie side by side in memory. */
const contiguousAxes = new Set(["n", "cols", "width", "channels"]);

/**
 * A part begins at a multiple of this: a cache line of numbers, a strip of a product's rows; of other things the four that
 * some kernels take at a time, where there are many.
 */
export function grainOf(name: KernelName, extent: number): number {
  if (contiguousAxes.has(signatures[name].extents[0])) return 16;
  return name === "gemm_f32" || extent >= 16 ? 4 : 1;
}
