import { createHash } from "node:crypto";
import type { PageAssets } from "./assets.js";
import type { Chart } from "./chart.js";
import { Html, html, inlineJson } from "./html.js";
import type { Section } from "./section.js";

export interface PageOptions {
  readonly title: string;
  /** Below the title. */
  readonly subtitle: string;
  readonly sections: readonly Section[];
  readonly assets: PageAssets;
  /** Address of the events that keep the page up to date; a page without them is complete as it is. */
  readonly events?: string;
}

/** What an update replaces: bodies of sections by id, and charts. */
export interface PageUpdate {
  readonly bodies: Readonly<Record<string, string>>;
  readonly charts: readonly Chart[];
}

/** The parts of the page that change with the run. */
export function pageUpdate(sections: readonly Section[]): PageUpdate {
  return {
    bodies: Object.fromEntries(sections.map(({ id, body }) => [id, body.text])),
    charts: sections.flatMap(({ charts }) => charts),
  };
}

/** A square that grows out of smaller ones, as the networks do. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='none' stroke='%232f6fdf' " +
  "stroke-width='1.6'%3E%3Cpath d='M2 14V2h12v12zM2 10.5h7.5V14M2 7v0h0'/%3E%3C/svg%3E";

/** What begins the head of every page of this library. */
export function pageHead(title: string, policy: string): Html {
  return html`<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · poa</title>
<link rel="icon" href="${ICON}">
`;
}

/** One HTML file that refers to no other. Its policy allows the scripts and styles that are in it and nothing else. */
export function page(options: PageOptions): string {
  const { title, subtitle, sections, assets, events } = options;
  const { charts } = pageUpdate(sections);
  const links = sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a>`);
  return html`<!doctype html>
<html lang="en">
<head>
${pageHead(title, contentPolicy(assets, { connects: events !== undefined }))}${assets.styles.map(
  (text) => html`<style>${new Html(text)}</style>
`,
)}</head>
<body${events === undefined ? null : html` data-events="${events}"`}>
<header><h1>${title}</h1><p>${subtitle}</p></header>
<nav aria-label="sections">${links}</nav>
<main>
<noscript><p class="warning">Curves are drawn by a script; everything else can be read without one.</p></noscript>
${sections.map(
  ({ id, title: name, body }) => html`<section id="${id}"><h2>${name}</h2><div class="body">${body}</div></section>
`,
)}</main>
<script type="application/json" id="charts">${inlineJson(charts)}</script>
${assets.scripts.map(({ text, module }) =>
  module
    ? html`<script type="module">${new Html(text)}</script>
`
    : html`<script>${new Html(text)}</script>
`,
)}</body>
</html>
`.text;
}

/** A Content-Security-Policy: nothing is loaded, and no script or style but those of the assets is run. */
export function contentPolicy({ scripts, styles }: PageAssets, { connects }: { connects: boolean }): string {
  const hashes = (texts: readonly string[]) =>
    texts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`).join(" ");
  return [
    "default-src 'none'",
    `script-src ${hashes(scripts.map(({ text }) => text))}`,
    `style-src ${hashes(styles)}`,
    "img-src data:",
    ...(connects ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}
