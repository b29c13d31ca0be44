import { gradOf, gradTarget } from "../autograd/gradient.js";
import { record } from "../autograd/tape.js";
import { kernels } from "../runtime/launch.js";
import { empty } from "../tensor/create.js";
import { rowsOf } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { sumInto } from "./reduce.js";

export function softCrossEntropy(logits: Tensor, targets: Tensor, { temperature = 1, weights = null, scale = 1 }: { temperature?: number; weights?: Tensor | null; scale?: number } = {}): Tensor {
  const { rows, cols, ld } = rowsOf("softCrossEntropy", logits);
  const t = rowsOf("softCrossEntropy", targets);
  const loss = empty([rows]);
  const lse = empty([rows]);
  const total = empty([rows]);
  kernels.cross_entropy_f32(rows, cols, logits.ptr, ld, temperature, targets.ptr, t.ld, t.rows, weights?.ptr ?? 0, loss.ptr, lse.ptr, total.ptr);
  const y0 = empty([]);
  sumInto(rows, loss.ptr, y0.ptr);
  const y = empty([]);
  kernels.scale_f32(1, scale, y0.ptr, 0, y.ptr);
  return record("softCrossEntropy", y, [logits], () => {
    const dx = gradTarget(logits);
    const up = empty([]);
    kernels.scale_f32(1, scale, gradOf(y), 0, up.ptr);
    if (dx) kernels.cross_entropy_grad_f32(rows, cols, logits.ptr, ld, temperature, targets.ptr, t.ld, t.rows, weights?.ptr ?? 0, lse.ptr, total.ptr, up.ptr, dx.beta, dx.ptr, ld);
  });
}
export function distillation(student: Tensor, teacher: Tensor, { temperature = 1, scale = 1 }: { temperature?: number; scale?: number } = {}): Tensor {
  const { rows, cols, ld } = rowsOf("distillation", student);
  const t = rowsOf("distillation", teacher);
  const loss = empty([rows]);
  const ls = empty([rows]);
  const lt = empty([rows]);
  kernels.distill_f32(rows, cols, student.ptr, ld, teacher.ptr, t.ld, temperature, loss.ptr, ls.ptr, lt.ptr);
  const y0 = empty([]);
  sumInto(rows, loss.ptr, y0.ptr);
  const y = empty([]);
  kernels.scale_f32(1, scale, y0.ptr, 0, y.ptr);
  return record("distillation", y, [student], () => {
    const dx = gradTarget(student);
    if (dx) kernels.distill_grad_f32(rows, cols, student.ptr, ld, teacher.ptr, t.ld, temperature, ls.ptr, lt.ptr, scale, gradOf(y), dx.beta, dx.ptr, ld);
  });
}
