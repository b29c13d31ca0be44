import * as reference from "../reference/tokens.js";
import { checkKernel, type TestMemory } from "../support/kernels.js";
import { test } from "../support/test.js";

const mask = (m: TestMemory, n: number) =>
  m.ints(Int32Array.from({ length: n }, (_, i) => ((i * 5) % 3 === 0 ? 1 : 0)));

for (const [batch, patches, width, ldp] of [
  [1, 1, 1, 1],
  [3, 5, 16, 16],
  [5, 7, 13, 24],
  [2, 4, 33, 48],
  [2, 0, 8, 8],
]) {
  const [inner, all] = [batch * patches * width, batch * (1 + patches) * width];
  const name = `${batch} samples of ${patches} patches, width ${width}`;

  test(`embedded tokens equal their reference, with and without a mask: ${name}`, () => {
    const tables = (m: TestMemory) => [m.input(width), m.input((1 + patches) * ldp), ldp];
    checkKernel("embed_tokens_f32", reference.embed_tokens_f32, {
      args: (m) => [batch, patches, width, m.input(inner), ...tables(m), 0, 0, m.output(all)],
    });
    checkKernel("embed_tokens_f32", reference.embed_tokens_f32, {
      args: (m) => [
        batch,
        patches,
        width,
        m.input(inner),
        ...tables(m),
        m.input(width),
        mask(m, batch * patches),
        m.output(all),
      ],
    });
  });

  for (const beta of [0, 1]) {
    test(`gradients of embedded tokens equal their references with beta ${beta}: ${name}`, () => {
      checkKernel("embed_tokens_grad_patches_f32", reference.embed_tokens_grad_patches_f32, {
        args: (m) => [batch, patches, width, m.input(all), 0, beta, m.output(inner, { beta })],
      });
      checkKernel("embed_tokens_grad_patches_f32", reference.embed_tokens_grad_patches_f32, {
        args: (m) => [batch, patches, width, m.input(all), mask(m, batch * patches), beta, m.output(inner, { beta })],
      });
      checkKernel("embed_tokens_grad_mask_f32", reference.embed_tokens_grad_mask_f32, {
        args: (m) => [width, batch, patches, m.input(all), mask(m, batch * patches), beta, m.output(width, { beta })],
      });
      checkKernel("batch_sum_f32", reference.batch_sum_f32, {
        args: (m) => {
          const rows = 1 + patches;
          return [rows, width, batch, m.input(all), rows * width, width, beta, m.output(rows * ldp, { beta }), ldp];
        },
      });
    });
  }
}

test("the gradient of a mask token that nothing used is zero", () => {
  checkKernel("embed_tokens_grad_mask_f32", reference.embed_tokens_grad_mask_f32, {
    args: (m) => [6, 2, 3, m.input(48), m.ints([0, 0, 0, 0, 0, 0]), 0, m.output(6)],
    rtol: 0,
    atol: 0,
  });
});

test("a batch sum over no sample is zero, or keeps what was there", () => {
  for (const beta of [0, 1]) {
    checkKernel("batch_sum_f32", reference.batch_sum_f32, {
      args: (m) => [3, 5, 0, m.input(0), 15, 5, beta, m.output(15, { beta }), 5],
    });
  }
});
