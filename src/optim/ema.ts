import { ShapeError } from "../errors.js";
import type { Module } from "../nn/module.js";
import { kernels } from "../runtime/launch.js";
import type { Tensor } from "../tensor/tensor.js";

/** A teacher that moves towards a student. */
export interface Following {
  /** Overwritten. */
  readonly teacher: Module;
  /** A module with parameters of the same names and shapes. */
  readonly student: Module;
  /** 0 copies the student, 1 changes nothing. */
  readonly momentum: number;
}

/**
 * Moves a teacher towards a student: t ← momentum·t + (1 − momentum)·s for every parameter; buffers stay.
 *
 * @param teacher  overwritten
 * @param student  a module with parameters of the same names and shapes
 * @param momentum  0 copies the student, 1 changes nothing
 * @throws ShapeError if the two have different parameters
 */
export function ema(teacher: Module, student: Module, momentum: number): void {
  for (const [target, source] of parameterPairs(teacher, student)) follow(target, source, 1 - momentum);
}

/** t ← t + (1 − momentum)·(s − t) for one parameter. */
export function follow(target: Tensor, source: Tensor, oneMinusMomentum: number): void {
  kernels.ema_f32(target.numel, oneMinusMomentum, source.ptr, target.ptr);
}

/**
 * Each parameter of a teacher with the student's of the same name.
 *
 * @throws ShapeError if the two have different parameters
 */
export function parameterPairs(teacher: Module, student: Module): [Tensor, Tensor][] {
  const targets = teacher.namedParameters();
  const sources = new Map(student.namedParameters());
  for (const [name, { numel }] of targets) {
    if (sources.get(name)?.numel !== numel)
      throw new ShapeError(`ema: the student has no ${name} of ${numel} elements.`);
  }
  if (sources.size !== targets.length) {
    throw new ShapeError(`ema: the student has ${sources.size} parameters, the teacher ${targets.length}.`);
  }
  return targets.map(([name, target]) => [target, sources.get(name)!]);
}
