import type { Module } from "../nn/module.js";
import { Tensor } from "../tensor/tensor.js";

/** A tensor with numbers that are not finite; the tensor itself is kept nowhere. */
export interface NonFiniteTensor {
  /** Path in the branch, behind what it is: "student backbone.norm.bias", "gradient of backbone.norm.bias". */
  readonly name: string;
  readonly shape: readonly number[];
  /** Numbers that are NaN, and that are infinite. */
  readonly nan: number;
  readonly infinite: number;
  /** Of the finite numbers; null if there are none. */
  readonly min: number | null;
  readonly max: number | null;
}

/** Weights and gradients with numbers that are not finite, in the order of the networks: student, teacher, gradients. */
export function nonFiniteTensors({ student, teacher }: { student: Module; teacher: Module }): NonFiniteTensor[] {
  const found: NonFiniteTensor[] = [];
  const look = (name: string, shape: readonly number[], data: ArrayLike<number> | null) => {
    const survey = data && surveyOf(data);
    if (survey && survey.nan + survey.infinite > 0) found.push({ name, shape, ...survey });
  };
  for (const [name, x] of student.namedParameters()) look(`student ${name}`, x.shape, x.toArray());
  for (const [name, x] of teacher.namedParameters()) look(`teacher ${name}`, x.shape, x.toArray());
  for (const [name, x] of student.namedParameters()) look(`gradient of ${name}`, x.shape, gradientOf(x));
  return found;
}

/** As backward left it: the factor of clipping is no number where the norm is none. */
function gradientOf({ storage, shape, strides, offset }: Tensor): ArrayLike<number> | null {
  const { gradient, gradientPresent } = storage;
  return gradient && gradientPresent ? new Tensor(gradient, shape, { strides, offset }).toArray() : null;
}

function surveyOf(data: ArrayLike<number>): Pick<NonFiniteTensor, "nan" | "infinite" | "min" | "max"> {
  let [nan, infinite, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else {
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  const any = nan + infinite < data.length;
  return { nan, infinite, min: any ? min : null, max: any ? max : null };
}
