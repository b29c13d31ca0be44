import type { Chart } from "../chart.js";
import { shortened } from "../curves.js";
import { heatMaps } from "../heat-map.js";
import { type Html, html } from "../html.js";
import { countText, numberText, percentText, wholeText } from "../number-text.js";
import type { RankedNetwork, Ranking, RankViolation } from "../ranking.js";
import type { RunRecord } from "../run-record.js";
import { chartSlots, emptyNote, type Section } from "../section.js";

/** How many times as much as the cheapest network the dearest one must cost for a logarithmic scale. */
const LOG_FROM = 4;
/** Pairs that are listed, the worst ones; rank.json has all. */
const MOST_VIOLATIONS = 20;

/** Accuracy and cost of every network, as `poa subnets rank` measured them. */
export function accuracy({ ranking, path }: RunRecord): Section {
  const [id, title] = ["accuracy", "Accuracy of every network"];
  if (!ranking) {
    const note = "The networks have not been compared yet. This command does so:";
    return { id, title, body: emptyNote(note, `poa subnets rank ${path} --data SPEC`), charts: [] };
  }
  const time = ranking.batch > 1 ? `milliseconds for ${ranking.batch} images` : "milliseconds per image";
  const charts = [
    paretoChart(ranking, { id: "pareto-ms", by: "ms", xLabel: time }),
    paretoChart(ranking, { id: "pareto-params", by: "params", xLabel: "parameters" }),
  ].filter(({ x }) => x.length > 0);
  const { data, test, k, steps, networks, violations } = ranking;
  const body = html`<p>k-NN accuracy in percent${steps >= 0 ? ` after ${wholeText(steps)} steps` : null}, k = ${k}: bank ${data}${test === "" ? null : `, queries ${test}`}.
Networks with a frame lie on the Pareto front: no other one is as accurate, as fast and as small.</p>
${accuracyMap(networks)}
${chartSlots(charts)}
${violations.length > 0 ? violationList(violations) : null}
<details><summary>All ${networks.length} networks as a table</summary>${table(ranking, time)}</details>`;
  return { id, title, body, charts };
}

function accuracyMap(networks: readonly RankedNetwork[]): Html {
  return heatMaps(networks, {
    caption: "k-NN accuracy, %",
    cell: ({ name, knn, params, ms, pareto }) => {
      const title = `${name}: ${percentText(knn)} %, ${countText(params)} parameters, ${numberText(ms)} ms`;
      return { value: knn, text: percentText(knn), title, marked: pareto };
    },
  });
}

/** Accuracy over cost, with those on the front of that cost joined by a line. */
function paretoChart(
  { networks }: Ranking,
  { id, by, xLabel }: { id: string; by: "ms" | "params"; xLabel: string },
): Chart {
  const sorted = networks
    .filter((network) => network[by] > 0 && Number.isFinite(network.knn))
    .sort((a, b) => a[by] - b[by] || b.knn - a.knn);
  let best = Number.NEGATIVE_INFINITY;
  const front = sorted.map(({ knn }) => {
    if (knn <= best) return null;
    best = knn;
    return shortened(100 * knn);
  });
  const percent = (value: number) => (Number.isFinite(value) ? shortened(100 * value) : null);
  return {
    ...{ id, xLabel },
    xScale: sorted.length > 0 && sorted[sorted.length - 1][by] > LOG_FROM * sorted[0][by] ? "log" : "linear",
    title: `accuracy by ${xLabel}`,
    caption: "k-NN accuracy in percent; bars are 95 % intervals, the line joins those that no cheaper one exceeds",
    x: sorted.map((network) => shortened(network[by])),
    names: sorted.map(({ name }) => name),
    series: [
      {
        label: "k-NN %",
        points: true,
        values: sorted.map(({ knn }) => percent(knn)),
        range: {
          low: sorted.map(({ interval }) => percent(interval.low)),
          high: sorted.map(({ interval }) => percent(interval.high)),
        },
      },
      { label: "front", values: front },
    ],
  };
}

function violationList(violations: readonly RankViolation[]): Html {
  const line = ({ smaller, bigger, difference }: RankViolation) =>
    html`<li>${smaller} is better than ${bigger} by ${percentText(difference)} points</li>`;
  return html`<details><summary>Pairs in which the bigger network is worse, beyond chance: ${violations.length}</summary>
<ul>${violations.slice(0, MOST_VIOLATIONS).map(line)}</ul></details>`;
}

function table({ networks, threads }: Ranking, time: string): Html {
  const row = (network: RankedNetwork) => {
    const { name, params, macs, bytes, ms, msP95, knn, interval, pareto } = network;
    return html`<tr><th scope="row">${name}${pareto ? " ★" : ""}</th><td>${wholeText(params)}</td><td>${countText(macs)}</td>
<td>${countText(bytes)}B</td><td>${numberText(ms)}</td><td>${numberText(msP95)}</td><td>${percentText(knn)}</td>
<td>${percentText(interval.low)} to ${percentText(interval.high)}</td></tr>`;
  };
  const heads = ["network", "parameters", "multiply-adds", "file", "ms", "ms, 95th of 100", "k-NN %", "95 % interval"];
  const on = threads > 0 ? ` on ${threads} ${threads === 1 ? "thread" : "threads"}` : "";
  return html`<div class="wide"><table class="rows">
<caption>ms: ${time}${on}; ★ lies on the Pareto front</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${[...networks].sort((a, b) => b.knn - a.knn).map(row)}</tbody></table></div>`;
}
