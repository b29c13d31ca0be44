import { noGrad, step } from "../../src/autograd/tape.js";
import { fromOfficial } from "../../src/export/names.js";
import type { PoaBatch } from "../../src/poa/batch.js";
import { buildState } from "../../src/poa/build.js";
import { resolveConfig } from "../../src/poa/config.js";
import { searchSpace } from "../../src/poa/plan.js";
import {
  accumulateGradients,
  applyUpdate,
  clipBySubModule,
  type PoaState,
  teacherTargets,
} from "../../src/poa/step.js";
import { fromArray } from "../../src/tensor/create.js";
import { gradientOf } from "../support/gradient.js";
import { type GoldenCase, type GoldenTensor, ourNames } from "./case.js";
import { Comparison } from "./compare.js";

/** AdamW moves a weight by about the learning rate however small its gradient; only clear gradients are compared. */
const CLEAR_GRADIENT = 1e-5;

// biome-ignore lint/suspicious/noExplicitAny: the manifest's steps are untyped
type ManifestStep = any;

/** Whole updates of POA: three branches, all losses, gradients, clipping, AdamW, EMA: poa_step_*. */
export function runPoaStep(golden: GoldenCase): Comparison {
  const comparison = new Comparison();
  const { config: raw, steps = [], param_groups: groups = [], networks = [] } = golden.entry;
  const { config } = resolveConfig(raw);
  const state = buildState(config);
  state.student.loadStateDict(ourNames(golden.under("init.student.")));
  state.teacher.loadStateDict(ourNames(golden.under("init.teacher.")));
  const space = searchSpace(config);
  comparison.number("num_networks", space.length, networks.length, { atol: 1e-9 });
  compareGroups(comparison, state, groups);

  steps.forEach((manifest, s) => {
    const network = space.at(manifest.elastic_network_id);
    const expected = nameOf(manifest.elastic_network);
    if (network.name !== expected) comparison.fail(`step ${s}`, `network ${network.name}, expected ${expected}`);
    runStep(comparison, golden, state, manifest, s, network, config);
  });
  const gradients = steps.map((_, s) => ourNames(golden.under(`step${s}.grad.student.`)));
  const tolerance = golden.entry.tolerance!.after_step;
  compareWeights(comparison, "final.student", state.student, under(golden, "final.student."), gradients, tolerance);
  const teacher = under(golden, "final.teacher.");
  const expected = teacher.size > 0 ? teacher : movingAverage(golden, steps[0].momentum);
  compareWeights(comparison, "final.teacher", state.teacher, expected, gradients, tolerance);
  return comparison;
}

const under = (golden: GoldenCase, prefix: string) => ourNames(golden.under(prefix));

/** A network's name from the manifest's words: width and depth, or a ResNet's middle widths and depths of the four stages. */
function nameOf(words: readonly string[]): string {
  const [widths, depths] = words.map((word) => word.match(/\d+/g)!);
  return [widths[0], ...(depths.length === 4 ? depths.slice(1, 3) : depths)].join("x");
}

/** The teacher after one step where the file leaves it out: m · teacher + (1 − m) · new student. */
function movingAverage(golden: GoldenCase, momentum: number): Map<string, GoldenTensor> {
  const before = under(golden, "init.teacher.");
  return new Map(
    [...under(golden, "final.student.")].map(([name, { shape, data }]) => {
      const old = before.get(name)!.data;
      return [name, { shape, data: data.map((value, i) => momentum * old[i] + (1 - momentum) * value) }];
    }),
  );
}

function runStep(
  comparison: Comparison,
  golden: GoldenCase,
  state: PoaState,
  manifest: ManifestStep,
  s: number,
  network: { width: number; depth: number | readonly number[] },
  // biome-ignore lint/suspicious/noExplicitAny: resolved config
  config: any,
): void {
  const tolerance = golden.entry.tolerance!;
  const batch = batchOf(golden, s, manifest.activate_ibot);
  const settings = {
    teacherTemperature: manifest.teacher_temp,
    elastic: [state.student.backbone.slice(network)],
    dropPath: { intact: null, elastic: null },
    weights: {
      lambda: config.dino.lambda_ie,
      dino: config.dino.loss_weight,
      ibot: config.ibot.loss_weight,
      koleo: config.dino.koleo_loss_weight,
    },
  };
  step(() => {
    const { classes, patches } = noGrad(() => teacherTargets(state, batch, manifest.teacher_temp));
    classes.forEach(({ swapped }, h) => {
      comparison.close(
        `step${s} class targets ${h}`,
        swapped.toArray(),
        golden.get(`step${s}.out.teacher_cls_probs.${h}`),
        { rtol: 1e-4, atol: 1e-6 },
      );
    });
    patches.forEach((targets, h) => {
      comparison.close(
        `step${s} patch targets ${h}`,
        targets.toArray(),
        golden.get(`step${s}.out.teacher_patch_probs.${h}`),
        { rtol: 1e-4, atol: 1e-6 },
      );
    });
  });
  const { loss, logged } = accumulateGradients(state, batch, settings);
  comparison.close(`step${s} objective`, [loss], golden.get(`step${s}.out.objective`), tolerance.loss);
  const losses = golden.under(`step${s}.out.loss.`);
  for (const [key, value] of losses) comparison.close(`step${s} ${key}`, [logged[key]], value, tolerance.loss);

  const gradients = under(golden, `step${s}.grad.student.`);
  for (const [name, x] of state.student.namedParameters()) {
    const expected = gradients.get(name);
    if (expected) comparison.close(`step${s} grad ${name}`, gradientOf(x), expected, tolerance.grad);
    else comparison.fail(`step${s} grad ${name}`, "not in the golden file");
  }
  const norms = clipBySubModule(state.student, config.optim.clip_grad);
  for (const [part, norm] of Object.entries(manifest.grad_norm_before_clip as Record<string, number>)) {
    comparison.number(`step${s} norm of ${part}`, norms[part], norm, { rtol: 1e-3 });
  }
  applyUpdate(state, {
    lr: manifest.lr,
    lastLayerLr: manifest.last_layer_lr,
    weightDecay: manifest.wd,
    momentum: manifest.momentum,
  });
  compareWeights(
    comparison,
    `step${s} after`,
    state.student,
    under(golden, `step${s}.after.student.`),
    [gradients],
    tolerance.after_step,
  );
}

function batchOf(golden: GoldenCase, s: number, masked: boolean): PoaBatch {
  const tensor = ({ data, shape }: GoldenTensor, dtype: "f32" | "i32" = "f32") => fromArray(data, shape, dtype);
  const get = (name: string) => golden.get(`step${s}.in.${name}`);
  const globals = tensor(get("collated_global_crops"));
  const rows = get("n_masked_patches").data[0];
  return {
    images: globals.shape[0] / 2,
    globals,
    locals: golden.tensors.has(`step${s}.in.collated_local_crops`) ? tensor(get("collated_local_crops")) : null,
    masked: masked
      ? {
          masks: tensor(get("collated_masks"), "i32"),
          indices: Int32Array.from(get("mask_indices_list").data.subarray(0, rows)),
          weights: Float32Array.from(get("masks_weight").data.subarray(0, rows)),
        }
      : null,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the manifest's groups are untyped
function compareGroups(comparison: Comparison, state: PoaState, expected: any[]): void {
  const actual = state.optimizer.groups;
  const byName = new Map(
    actual.flatMap((group) => group.parameters.map(({ name }) => [`student.${name}` as string, group] as const)),
  );
  for (const { name, lr_multiplier, wd_multiplier, is_last_layer } of expected) {
    const group = byName.get(fromOfficial(name));
    if (!group) {
      comparison.fail(`group of ${name}`, "no such parameter");
      continue;
    }
    const same =
      group.lrMultiplier === lr_multiplier &&
      group.wdMultiplier === wd_multiplier &&
      group.isLastLayer === is_last_layer;
    if (!same)
      comparison.fail(
        `group of ${name}`,
        `multipliers ${group.lrMultiplier}, ${group.wdMultiplier}, expected ${lr_multiplier}, ${wd_multiplier}`,
      );
  }
}

function compareWeights(
  comparison: Comparison,
  what: string,
  branch: PoaState["student"],
  expected: Map<string, GoldenTensor>,
  gradients: readonly Map<string, GoldenTensor>[],
  tolerance: { atol?: number; rtol?: number },
): void {
  if (expected.size === 0) return;
  for (const [name, x] of branch.namedParameters()) {
    const values = expected.get(name);
    if (!values) continue;
    const bySteps = gradients.map((ofStep) => ofStep.get(name)?.data ?? new Float64Array());
    const limits = bySteps.map(
      (gradient) => CLEAR_GRADIENT * gradient.reduce((max, g) => Math.max(max, Math.abs(g)), 0),
    );
    const clear = (i: number) => bySteps.every((gradient, s) => Math.abs(gradient[i]) > limits[s]);
    comparison.close(`${what} ${name}`, x.toArray(), values, { rtol: 0, ...tolerance }, clear);
  }
}
