import { cosineSchedule, frozenSchedule, linearSchedule, type Schedule } from "../optim/schedule.js";
import type { Config } from "../poa/config-keys.js";
import type { RunPlan } from "../poa/plan.js";

/** Everything that changes with the iteration (spec §5.3). */
export interface Schedules {
  readonly lr: Schedule;
  readonly lastLayerLr: Schedule;
  readonly weightDecay: Schedule;
  /** Of the teacher's moving average. */
  readonly momentum: Schedule;
  readonly teacherTemperature: Schedule;
}

/** The schedules of a config over a planned run. */
export function schedulesOf({ optim, teacher }: Pick<Config, "optim" | "teacher">, plan: RunPlan): Schedules {
  const { totalIterations: total } = plan;
  const scale = optim.iter_num_scale;
  const lr = cosineSchedule({
    base: plan.peakLearningRate,
    final: optim.min_lr,
    total,
    warmup: plan.warmupIterations,
    scale,
  });
  return {
    lr,
    lastLayerLr: frozenSchedule(lr, plan.frozenIterations),
    weightDecay: cosineSchedule({ base: optim.weight_decay, final: optim.weight_decay_end, total, scale }),
    momentum: cosineSchedule({ base: teacher.momentum_teacher, final: teacher.final_momentum_teacher, total, scale }),
    teacherTemperature: linearSchedule({
      start: teacher.warmup_teacher_temp,
      final: teacher.teacher_temp,
      total: plan.temperatureIterations,
    }),
  };
}
