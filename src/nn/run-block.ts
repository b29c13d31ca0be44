import { recompute } from "../autograd/recompute.js";
import { scopeUnlessRecording } from "../autograd/tape.js";
import type { Tensor } from "../tensor/tensor.js";
import { type DropPath, repeatable } from "./drop-path.js";
import type { Module } from "./module.js";

/** How a block is run. */
export interface BlockRun {
  /** Draws of stochastic depth; absent in evaluation. */
  dropPath?: DropPath;
  /** Keep only the block's input for the backward pass, which runs the block again. */
  recompute?: boolean;
}

/**
 * One block of a network, so that memory is bounded: in inference its temporaries end with it, in training they do if they
 * are to be recomputed.
 *
 * @param block  whose parameters `forward` uses
 * @param x  the only other tensor that gradients flow to
 * @param forward  the block's result for x, with the given draws
 */
export function runBlock(
  block: Module,
  x: Tensor,
  { dropPath = null, recompute: again = false }: BlockRun,
  forward: (dropPath: DropPath) => Tensor,
): Tensor {
  if (!again) return scopeUnlessRecording(() => forward(dropPath));
  const draws = repeatable(dropPath);
  return recompute([x, ...block.parameters()], () => forward(draws()));
}
