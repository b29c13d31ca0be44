import { type CurveOptions, curves } from "../curves.js";
import type { RunRecord } from "../run-record.js";
import { chartSlots, emptyNote, type Section } from "../section.js";

const SCHEDULES: readonly CurveOptions[] = [
  {
    id: "lr",
    title: "lr, last_layer_lr",
    caption: "learning rate, and that of the prototypes",
    series: new Map([
      ["lr", "lr"],
      ["last_layer_lr", "last_layer_lr"],
    ]),
  },
  { id: "wd", title: "wd", caption: "weight decay", series: new Map([["wd", "wd"]]) },
  { id: "mom", title: "mom", caption: "momentum of the teacher's moving average", series: new Map([["mom", "mom"]]) },
  {
    id: "teacher_temp",
    title: "teacher_temp",
    caption: "temperature of the teacher's targets",
    series: new Map([["teacher_temp", "teacher_temp"]]),
  },
];

const NORM = "grad_norm_";

/** What changes with the iteration by plan, and the gradient norms, which do so without one. */
export function schedules({ metrics, config }: RunRecord): Section {
  if (metrics.length === 0) {
    return { id: "schedules", title: "Schedules", body: emptyNote("No step has been done yet."), charts: [] };
  }
  const norms = metrics.keys.filter((key) => key.startsWith(NORM));
  const { clip_grad: clip } = config.optim;
  const charts = [
    ...SCHEDULES.map((options) => curves(metrics, options)),
    curves(metrics, {
      id: "grad_norm",
      title: "grad_norm",
      caption: `gradient norm of each part${clip > 0 ? `; above ${clip} it is scaled down to that` : ""}`,
      series: new Map(norms.map((key) => [key, key.slice(NORM.length)])),
    }),
  ];
  return { id: "schedules", title: "Schedules", body: chartSlots(charts), charts };
}
