import type { Chart } from "./chart.js";
import { type Html, html } from "./html.js";

/** A part of the page under a heading of its own. */
export interface Section {
  /** Names it in links and updates. */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
  /** What the page draws into the places that `chartSlots` left in the body. */
  readonly charts: readonly Chart[];
}

/** Places for charts, side by side where there is room. */
export function chartSlots(charts: readonly Chart[]): Html {
  const slot = ({ id, title, caption }: Chart) => html`<figure class="chart" data-chart="${id}">
<figcaption><b>${title}</b> <span>${caption}</span></figcaption>
<div class="plot" role="img" aria-label="${title}: ${caption}"></div>
</figure>`;
  return html`<div class="charts">${charts.map(slot)}</div>`;
}

/** What a section says while there is nothing to show. */
export function emptyNote(text: string, command?: string): Html {
  return html`<p>${text}${command === undefined ? null : html` <code>${command}</code>`}</p>`;
}

/** Terms with what belongs to them. */
export function termList(entries: readonly (readonly [term: string, text: string | Html])[]): Html {
  return html`<dl class="terms">${entries.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>`;
}
