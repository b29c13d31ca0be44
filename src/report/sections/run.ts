import { configYaml } from "../../poa/config-yaml.js";
import { curves } from "../curves.js";
import { type Html, html } from "../html.js";
import { durationText, numberText, percentText, wholeText } from "../number-text.js";
import type { RunRecord, SkippedStep } from "../run-record.js";
import { chartSlots, type Section, termList } from "../section.js";

/** Steps that were not finite whose images are listed, the last ones. */
const MOST_SKIPPED = 20;

/** What the run is, on which host, how fast, with which configuration. */
export function run(record: RunRecord): Section {
  const { info, config, skipped, unreadableLines } = record;
  const host = Object.entries(info.host ?? {}).map(([name, value]) => [name, String(value)] as const);
  const charts = timingCharts(record);
  const body = html`${termList([
    ["folder", record.path],
    ["version", `poa ${info.version}`],
    ["data", info.data],
    ["images", wholeText(info.images)],
    ["fingerprint", info.dataFingerprint],
    ["seed", String(info.seed)],
    ["initial weights", info.init ?? "random"],
    ...host,
    ...timingTerms(record),
  ])}
${charts.length > 0 ? chartSlots(charts) : null}
${skipped.length > 0 ? skippedList(skipped) : null}
${unreadableLines > 0 ? html`<p class="warning">${unreadableLines} lines of the run's files are damaged and were left out.</p>` : null}
<details><summary>Configuration, complete</summary><pre>${configYaml(config)}</pre></details>`;
  return { id: "run", title: "Run", body, charts };
}

function timingTerms(record: RunRecord): [string, string][] {
  const timed = record.timed();
  if (!timed) return [];
  const { images, steps, elapsedMs, dataWaitMs } = timed;
  return [
    ["time", durationText(elapsedMs / 1000)],
    ["images per second", numberText((1000 * images) / elapsedMs)],
    ["time of a step", `${numberText(elapsedMs / steps)} ms`],
    ["waiting for data", `${percentText(dataWaitMs / elapsedMs)} % of the time`],
  ];
}

/** Rates of each timed stretch. */
function timingCharts({ timing }: RunRecord) {
  if (timing.length < 2) return [];
  const elapsed = timing.values("elapsedMs");
  const per = (key: string, factor: number) => timing.values(key).map((value, i) => (factor * value) / elapsed[i]);
  const rates = timing.derived({ rate: per("images", 1000), wait: per("dataWaitMs", 100) });
  return [
    curves(rates, {
      id: "rate",
      title: "images per second",
      caption: "of stretches of some seconds, checkpoints included",
      series: new Map([["rate", "images/s"]]),
    }),
    curves(rates, {
      id: "wait",
      title: "waiting for data",
      caption: "percent of the time in which no image was ready",
      series: new Map([["wait", "%"]]),
    }),
  ];
}

function skippedList(skipped: readonly SkippedStep[]): Html {
  const last = skipped.slice(-MOST_SKIPPED);
  const step = ({ iteration, images }: SkippedStep) =>
    html`<li>step ${wholeText(iteration)}: ${images.map((image, i) => html`${i > 0 ? ", " : null}<code>${image}</code>`)}</li>`;
  return html`<details class="warning"><summary>${skipped.length} steps were skipped: the loss or a gradient was not finite</summary>
<p>The last ${last.length}, with their images:</p><ul>${last.map(step)}</ul></details>`;
}
