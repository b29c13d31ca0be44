import { phase } from "../runtime/profile.js";
import type { Tensor } from "../tensor/tensor.js";
import { passOn, reserveGradient } from "./gradient.js";
import { isRecording, record, recordAndGoBack, scope } from "./tape.js";

/**
 * The result of fn without the memory of how it came about: only its inputs are kept, and the backward pass runs fn again to
 * go back through it (Chen et al., "Training deep nets with sublinear memory cost", 2016). Gradients have the bits of a plain
 * call. Where nothing is recorded fn runs once, in a scope.
 *
 * @param inputs  every tensor that gradients flow to through fn, parameters included
 * @param fn  computes one tensor from them, dense and freshly made, and the same bits when it runs again: it repeats its
 *   random draws
 */
export function recompute(inputs: readonly Tensor[], fn: () => Tensor): Tensor {
  if (!isRecording()) return scope(fn);
  const y = scope(fn);
  return record("recompute", y, inputs, () => {
    const storages = inputs.map(({ storage }) => storage);
    const freeUnused = storages.map(reserveGradient);
    recordAndGoBack(
      () => phase("recompute", fn),
      (again, goBack) => passOn(y.storage, again.storage, storages, goBack),
    );
    for (const free of freeUnused) free();
  });
}
