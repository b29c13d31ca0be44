import { type Html, html } from "../html.js";
import { countText, durationText, numberText, percentText, wholeText } from "../number-text.js";
import type { RunRecord } from "../run-record.js";
import type { Section } from "../section.js";

/** Steps over which the figures of the moment are averaged. */
const RECENT_STEPS = 50;
const RECENT_STRETCHES = 3;

/** How far the run is and its figures of the moment. */
export function overview(record: RunRecord): Section {
  const { iterations, plan } = record;
  const total = plan.totalIterations;
  const tiles = [
    tile("steps", wholeText(iterations), `of ${wholeText(total)}, ${percentText(iterations / total)} %`),
    tile("images seen", countText(iterations * plan.imagesPerStep), `${wholeText(record.info.images)} in the data`),
    ...lossTile(record),
    ...accuracyTile(record),
    ...speedTiles(record),
    ...skippedTile(record),
  ];
  const body = html`<p class="state"><span class="badge ${stateOf(record)}">${stateOf(record)}</span>
<progress max="${total}" value="${iterations}" aria-label="steps done"></progress></p>
<div class="tiles">${tiles}</div>`;
  return { id: "overview", title: "Overview", body, charts: [] };
}

function stateOf(record: RunRecord): "running" | "finished" | "stopped" {
  if (record.running) return "running";
  return record.finished ? "finished" : "stopped";
}

function tile(name: string, value: string, note = ""): Html {
  return html`<div class="tile"><span>${name}</span><b>${value}</b><small>${note}</small></div>`;
}

function meanOfLast(values: readonly number[], count: number): number {
  const last = values.slice(-count).filter(Number.isFinite);
  return last.reduce((sum, value) => sum + value, 0) / last.length;
}

function lossTile({ metrics }: RunRecord): Html[] {
  const values = metrics.values("objective");
  if (values.length === 0) return [];
  const first = meanOfLast(values.slice(0, RECENT_STEPS), RECENT_STEPS);
  return [tile("loss", numberText(meanOfLast(values, RECENT_STEPS)), `${numberText(first)} at the start`)];
}

function accuracyTile({ evaluations }: RunRecord): Html[] {
  const keys = evaluations.keys.filter((key) => key.startsWith("knn."));
  if (keys.length === 0) return [];
  const best = keys.reduce((a, b) => (evaluations.last(a) >= evaluations.last(b) ? a : b));
  const at = evaluations.iterations[evaluations.length - 1];
  return [tile("k-NN", `${percentText(evaluations.last(best))} %`, `k = ${best.slice(4)}, step ${wholeText(at)}`)];
}

function speedTiles(record: RunRecord): Html[] {
  const timed = record.timed();
  if (!timed) return [];
  const recent = (key: string) =>
    record.timing
      .values(key)
      .slice(-RECENT_STRETCHES)
      .reduce((sum, value) => sum + (value || 0), 0);
  const rate = (1000 * recent("images")) / recent("elapsedMs");
  const left = ((record.plan.totalIterations - record.iterations) * record.plan.imagesPerStep) / rate;
  const spent = `${durationText(timed.elapsedMs / 1000)} so far`;
  return [
    tile(
      "images per second",
      numberText(Number(rate.toPrecision(3))),
      `${numberText((1000 * timed.images) / timed.elapsedMs)} on average`,
    ),
    tile("waiting for data", `${percentText(recent("dataWaitMs") / recent("elapsedMs"))} %`, "of the time"),
    record.finished ? tile("time", durationText(timed.elapsedMs / 1000)) : tile("time left", durationText(left), spent),
  ];
}

function skippedTile({ skipped }: RunRecord): Html[] {
  if (skipped.length === 0) return [];
  return [
    html`<a class="tile warning" href="#run"><span>steps skipped</span><b>${wholeText(skipped.length)}</b><small>not finite</small></a>`,
  ];
}
