/** Update rules, schedules, parameter groups. */

export { AdamW, type AdamWOptions, type AdamWSettings } from "./optim/adamw.js";
export { clipGradients } from "./optim/clip.js";
export { ema, type Following } from "./optim/ema.js";
export { fineTuneGroups, type GroupOptions, parameterGroups, parameterMultipliers } from "./optim/groups.js";
export type { NamedParameter, ParameterGroup } from "./optim/parameter-group.js";
export {
  type CosineOptions,
  cosineSchedule,
  frozenSchedule,
  linearSchedule,
  type PolyOptions,
  polySchedule,
  type Schedule,
  type StepOptions,
  stepSchedule,
} from "./optim/schedule.js";
export { Sgd } from "./optim/sgd.js";
