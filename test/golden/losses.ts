import { backward, noGrad, step } from "../../src/autograd/tape.js";
import { softCrossEntropy } from "../../src/ops/cross-entropy.js";
import { add, scale } from "../../src/ops/elementwise.js";
import { SoftmaxCentering, sinkhornCentering } from "../../src/poa/centering.js";
import { koleo } from "../../src/poa/losses/koleo.js";
import { maskedPatches } from "../../src/poa/losses/patch.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { gradientOf } from "../support/gradient.js";
import type { GoldenCase, GoldenTensor, Tolerance } from "./case.js";
import { Comparison } from "./compare.js";

const tensor = ({ data, shape }: GoldenTensor) => fromArray(data, shape);

function tracked(golden: GoldenTensor): Tensor {
  const x = tensor(golden);
  x.storage.tracked = true;
  return x;
}

/** Sinkhorn-Knopp, softmax centring and the class loss: dino_loss. */
export function runDinoLoss(golden: GoldenCase): Comparison {
  const { config } = golden.entry;
  const tolerance = golden.entry.tolerance as Record<string, Tolerance>;
  const comparison = new Comparison();
  const students = [...golden.under("in.student.").keys()];
  step(() => {
    const teacher = tensor(golden.get("in.teacher_logits"));
    const targets = sinkhornCentering(config.n_iterations).targets(teacher, config.teacher_temp); // [V·B, K]
    comparison.close("out.sinkhorn", targets.toArray(), golden.get("out.sinkhorn"), tolerance.out);
    const rows = golden.get("in.student.0").shape[0];
    const views = Array.from({ length: targets.shape[0] / rows }, (_, v) => targets.narrow(0, v * rows, rows));
    const inputs = students.map((i) => tracked(golden.get(`in.student.${i}`)));
    const terms = inputs.flatMap((student) =>
      views.map((view) => softCrossEntropy(student, view, { temperature: config.student_temp, scale: 1 / rows })),
    );
    const loss = terms.reduce((a, b) => add(a, b));
    comparison.close("out.loss", [loss.item()], golden.get("out.loss"), tolerance.out);
    backward(loss);
    students.forEach((i, at) => {
      comparison.close(
        `grad.in.student.${i}`,
        gradientOf(inputs[at]),
        golden.get(`grad.in.student.${i}`),
        tolerance.grad,
      );
    });
  });
  compareCentering(golden, comparison);
  return comparison;
}

function compareCentering(golden: GoldenCase, comparison: Comparison): void {
  const { config } = golden.entry;
  const { out } = golden.entry.tolerance as Record<string, Tolerance>;
  const centering = new SoftmaxCentering(config.K);
  step(() =>
    noGrad(() => {
      const teacher = tensor(golden.get("in.teacher_logits"));
      const first = centering.targets(teacher, config.teacher_temp);
      comparison.close("out.softmax_center.first", first.toArray(), golden.get("out.softmax_center.first"), out);
      comparison.close(
        "out.center_after_update",
        centering.center.toArray(),
        golden.get("out.center_after_update"),
        out,
      );
      const second = centering.targets(scale(teacher, 0.5), config.teacher_temp);
      comparison.close("out.softmax_center.second", second.toArray(), golden.get("out.softmax_center.second"), out);
    }),
  );
}

/** The masked patch loss with the weights of the masks: ibot_loss. */
export function runIbotLoss(golden: GoldenCase): Comparison {
  const { config } = golden.entry;
  const tolerance = golden.entry.tolerance as Record<string, Tolerance>;
  const comparison = new Comparison();
  step(() => {
    const targets = sinkhornCentering(config.n_iterations).targets(
      tensor(golden.get("in.teacher_logits")),
      config.teacher_temp,
    );
    comparison.close("out.sinkhorn", targets.toArray(), golden.get("out.sinkhorn"), tolerance.out);
    const student = tracked(golden.get("in.student"));
    const crops = golden.get("in.masks").shape[0];
    const loss = maskedPatches(student, targets, tensor(golden.get("in.masks_weight")), crops);
    comparison.close("out.loss", [loss.item()], golden.get("out.loss"), tolerance.out);
    backward(loss);
    comparison.close("grad.in.student", gradientOf(student), golden.get("grad.in.student"), tolerance.grad);
  });
  return comparison;
}

/** The KoLeo regulariser: koleo. */
export function runKoleo(golden: GoldenCase): Comparison {
  const tolerance = golden.entry.tolerance as Record<string, Tolerance>;
  const comparison = new Comparison();
  step(() => {
    const x = tracked(golden.get("in.x"));
    const loss = koleo(x);
    comparison.close("out.loss", [loss.item()], golden.get("out.loss"), tolerance.out);
    backward(loss);
    comparison.close("grad.in.x", gradientOf(x), golden.get("grad.in.x"), tolerance.grad);
  });
  return comparison;
}
