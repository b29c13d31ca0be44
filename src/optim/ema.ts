import { ShapeError } from "../errors.js";
import type { Module } from "../nn/module.js";
import { kernels } from "../runtime/launch.js";

/**
 * Moves a teacher towards a student: t ← momentum·t + (1 − momentum)·s for every parameter; buffers stay.
 *
 * @param teacher  overwritten
 * @param student  a module with parameters of the same names and shapes
 * @param momentum  0 copies the student, 1 changes nothing
 * @throws ShapeError if the two have different parameters
 */
export function ema(teacher: Module, student: Module, momentum: number): void {
  const targets = teacher.namedParameters();
  const sources = new Map(student.namedParameters());
  for (const [name, { numel }] of targets) {
    if (sources.get(name)?.numel !== numel)
      throw new ShapeError(`ema: the student has no ${name} of ${numel} elements.`);
  }
  if (sources.size !== targets.length) {
    throw new ShapeError(`ema: the student has ${sources.size} parameters, the teacher ${targets.length}.`);
  }
  for (const [name, target] of targets) {
    kernels.ema_f32(target.numel, 1 - momentum, sources.get(name)!.ptr, target.ptr);
  }
}
