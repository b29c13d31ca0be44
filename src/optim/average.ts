import { gradOf } from "../autograd/gradient.js";
import { type Collective, sumMemory } from "../runtime/collective.js";
import type { Tensor } from "../tensor/tensor.js";

/**
 * Replaces the gradient of each parameter by its mean over the ranks. A rank without one counts as zeros; a parameter without
 * gradient on all ranks stays without. The factor of the mean is noted on each gradient, as that of clipping is.
 *
 * @param parameters  the same ones in the same order on every rank; dense tensors that own their memory
 */
export function averageGradients(parameters: readonly Tensor[], ranks: Collective): void {
  if (ranks.size === 1) return;
  const own = Uint8Array.from(parameters, ({ storage }) => (storage.gradientPresent ? 1 : 0));
  const present = ranks.gather(own);
  const arrived = parameters.filter((_, i) => present.some((flags) => flags[i] === 1));
  for (const x of arrived) gradOf(x); // zeros where none has arrived here
  sumMemory(
    ranks,
    arrived.map(({ storage, numel }) => ({ ptr: storage.gradient!.ptr, numel })),
  );
  for (const { storage } of arrived) storage.gradientScale /= ranks.size;
}
