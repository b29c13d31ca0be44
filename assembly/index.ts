// The list of exported kernels, nothing else.
export { constants_table } from "./constants";
export {
  add_f32,
  add_row_f32,
  copy_f32,
  fill_f32,
  multiply_f32,
  multiply_grad_f32,
  scale_f32,
  subtract_f32,
} from "./elementwise";
export { argmax_rows_f32, column_sum_f32, max_blocks_f32, squared_norm_blocks_f32, sum_blocks_f32 } from "./reduce";
export { gather_rows_f32, scatter_add_rows_f32 } from "./gather";
export { move_rows_f32 } from "./move_rows";
export { patchify_f32 } from "./patchify";
export { batch_sum_f32, embed_tokens_f32, embed_tokens_grad_mask_f32, embed_tokens_grad_patches_f32 } from "./tokens";
export { residual_f32, residual_grad_branch_f32, residual_grad_gamma_f32 } from "./residual";
export { resample_f32, resample_grad_f32 } from "./resample";
export { resize_bilinear_f32, resize_bilinear_grad_f32 } from "./bilinear";
export { normal_f32, truncated_normal_f32, uniform_f32 } from "./random";
export { adamw_f32, ema_f32, sgd_f32 } from "./optimizer";
export { blur_u8 } from "./blur";
export { normalize_f32, resize_horizontal_u8, resize_vertical_u8, rotate_u8 } from "./image";
export {
  brightness_u8,
  contrast_u8,
  grayscale_u8,
  hue_u8,
  luma_sums_u8,
  saturation_u8,
  solarize_u8,
} from "./image_color";
export { nearest_rows_f32 } from "./nearest";
export { log_distance_f32, log_distance_grad_f32 } from "./log_distance";
export {
  sinkhorn_column_sums_f32, sinkhorn_exp_f32, sinkhorn_rows_f32, sinkhorn_scale_f32, sinkhorn_shares_f32,
} from "./sinkhorn";
export { pack_b_f32 } from "./pack";
export { gemm_f32, gemm_batch_f32 } from "./gemm";
export { gemm_i8, pack_a_i16, pack_b_i8 } from "./gemm_i8";
export { attention_f32 } from "./attention";
export { attention_bias_grad_f32, attention_grad_f32 } from "./attention_grad";
export { add_relu_f32, gelu_f32, gelu_grad_f32, relu_f32, relu_grad_f32 } from "./activation";
export { log_softmax_f32, log_softmax_grad_f32, softmax_f32, softmax_grad_f32 } from "./softmax";
export {
  cross_entropy_f32,
  cross_entropy_grad_f32,
  cross_entropy_labels_f32,
  cross_entropy_labels_grad_f32,
  distill_f32,
  distill_grad_f32,
} from "./cross_entropy";
export {
  binary_cross_entropy_f32,
  binary_cross_entropy_grad_f32,
  focal_loss_f32,
  focal_loss_grad_f32,
} from "./sigmoid_loss";
export { giou_loss_f32, giou_loss_grad_f32 } from "./giou";
export { layer_norm_f32, layer_norm_grad_input_f32, layer_norm_grad_weight_f32 } from "./layer_norm";
export { l2_normalize_f32, l2_normalize_grad_f32 } from "./l2_normalize";
export { weight_norm_f32, weight_norm_grad_f32 } from "./weight_norm";
export { conv_f32, conv_pack_weight_f32 } from "./conv";
export { conv_grad_weight_f32 } from "./conv_grad_weight";
export { conv_winograd_f32, conv_winograd_weight_f32 } from "./conv_winograd";
export {
  conv_winograd_grad_weight_f32,
  conv_winograd_products_f32,
  conv_winograd_seen_f32,
  conv_winograd_spread_f32,
} from "./conv_winograd_grad";
export { conv_phases_f32, conv_phases_weight_f32 } from "./conv_phases";
export { conv_depthwise_f32, conv_depthwise_grad_weight_f32 } from "./conv_depthwise";
export { avg_pool_f32, avg_pool_grad_f32, max_pool_f32, max_pool_grad_f32 } from "./pool";
export { group_norm_f32, group_norm_grad_input_f32, group_norm_sums_f32 } from "./group_norm";
export {
  batch_norm_f32,
  batch_norm_grad_input_f32,
  batch_norm_join_f32,
  batch_norm_moments_f32,
  batch_norm_sums_f32,
} from "./batch_norm";
export { mask_rows_f32, mask_rows_grad_f32, mask_rows_grad_token_f32 } from "./mask_rows";
