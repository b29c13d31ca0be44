import type { RunRecord } from "./run-record.js";
import type { Section } from "./section.js";
import { accuracy } from "./sections/accuracy.js";
import { evaluation } from "./sections/evaluation.js";
import { losses } from "./sections/losses.js";
import { networks } from "./sections/networks.js";
import { overview } from "./sections/overview.js";
import { type PagePicture, pictures } from "./sections/pictures.js";
import { run } from "./sections/run.js";
import { schedules } from "./sections/schedules.js";

/** Everything that the page shows of a run, in its order. */
export function sectionsOf(record: RunRecord, made: readonly PagePicture[] | null): readonly Section[] {
  return [
    overview(record),
    losses(record),
    schedules(record),
    evaluation(record),
    networks(record),
    accuracy(record),
    pictures(made, record.path),
    run(record),
  ];
}
