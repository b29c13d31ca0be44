import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { ShapeError } from "../../src/errors.js";
import { relu } from "../../src/ops/activation.js";
import { batchNorm } from "../../src/ops/batch-norm.js";
import { add } from "../../src/ops/elementwise.js";
import { groupNorm } from "../../src/ops/group-norm.js";
import type { NormTail } from "../../src/ops/norm-tail.js";
import { init } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradcheck, leaf } from "../support/gradcheck.js";
import { refuses } from "../support/refuses.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

/** Two normalisations of x [2, 3, 4, 6] with a tail. */
function norms() {
  const [weight, bias] = [leaf([6], 2), leaf([6], 3)];
  const running = { mean: fromArray([0, 1, 2, 3, 4, 5], [6]), variance: fromArray([1, 2, 3, 4, 5, 6], [6]) };
  return {
    leaves: [weight, bias],
    group: (x: Tensor, tail: NormTail) => groupNorm(x, 3, weight, bias, tail),
    batch: (x: Tensor, tail: NormTail) => batchNorm(x, weight, bias, running, tail),
  };
}

test("a residual and the rectifier within a normalisation have the bits of ops of their own", async () => {
  await init();
  const [x, residual] = [leaf([2, 3, 4, 6], 1), leaf([2, 3, 4, 6], 5)];
  const { group, batch } = norms();
  for (const norm of [group, batch]) {
    const values = (fn: () => Tensor) => step(() => fn().toArray());
    assert.equal(
      values(() => norm(x, { relu: true })),
      values(() => relu(norm(x, {}))),
    );
    assert.equal(
      values(() => norm(x, { residual })),
      values(() => add(norm(x, {}), residual)),
    );
    assert.equal(
      values(() => norm(x, { residual, relu: true })),
      values(() => relu(add(norm(x, {}), residual))),
    );
  }
});

test("backward of a normalisation with a tail is the derivative, in the residual too", async () => {
  await initDouble();
  const [x, residual, wide] = [leaf([2, 3, 4, 6], 1), leaf([2, 3, 4, 6], 5), leaf([2, 3, 4, 8], 6)];
  const { group, batch, leaves } = norms();
  for (const norm of [group, batch]) {
    gradcheck(() => norm(x, { relu: true }), [x, ...leaves]);
    gradcheck(() => norm(x, { residual }), [x, residual, ...leaves]);
    gradcheck(() => norm(x, { residual, relu: true }), [x, residual, ...leaves]);
    gradcheck(() => norm(x, { residual: x, relu: true }), [x, ...leaves]);
    gradcheck(() => norm(x, { residual: wide.narrow(3, 1, 6), relu: true }), [x, wide, ...leaves]);
    gradcheck(() => {
      const y = norm(x, { relu: true });
      return norm(y, { residual: y, relu: true });
    }, [x, ...leaves]);
  }
});

test("a residual of another shape is refused", async () => {
  await init();
  const { group, batch } = norms();
  const [x, residual] = [leaf([2, 3, 4, 6], 1), leaf([2, 3, 6, 4], 5)];
  refuses(() => group(x, { residual }), ShapeError, "groupNorm: residual is [2, 3, 6, 4], expected [2, 3, 4, 6]");
  refuses(() => batch(x, { residual }), ShapeError, "batchNorm: residual is [2, 3, 6, 4], expected [2, 3, 4, 6]");
});
