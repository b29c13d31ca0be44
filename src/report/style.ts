import { SHADES } from "./heat-map.js";

/** Share of the hot colour from which on the other colour of text can be read better, in light and in dark. */
const DARK_FROM = 64;

/** Share of the hot colour in each shade of a heat map. */
const shades = Array.from({ length: SHADES }, (_, i) => {
  const share = Math.round(6 + (86 * i) / (SHADES - 1));
  return `.heat .h${i} { background: color-mix(in oklab, var(--hot) ${share}%, var(--surface)); ${share > DARK_FROM ? "color: var(--on-hot);" : ""} }`;
}).join("\n");

/** How the page looks, on paper-white and on dark. Colours of series keep their order in both. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f7f6f3; --surface: #ffffff; --text: #1d2127; --muted: #5d6673; --line: #e3e1dc;
  --accent: #2f6fdf; --good: #1c7c4d; --warn: #a1480b; --warn-ground: #fdf1e3; --hot: #14538f; --on-hot: #ffffff;
  --series-0: #2f6fdf; --series-1: #d4550e; --series-2: #1c8a5c; --series-3: #b3317a;
  --series-4: #8f7000; --series-5: #7450c8; --series-6: #0f86a3; --series-7: #6b7280;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101317; --surface: #181c22; --text: #e6e9ee; --muted: #98a2b1; --line: #2b313a;
    --accent: #7fabff; --good: #5cc791; --warn: #f0a35e; --warn-ground: #2d2217; --hot: #7cc4ff; --on-hot: #0d1116;
    --series-0: #7fabff; --series-1: #ff9c60; --series-2: #56cf9c; --series-3: #f08cc2;
    --series-4: #dcc04e; --series-5: #b7a1ff; --series-6: #5fcde3; --series-7: #aab3c0;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 3.2rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 78rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.6rem; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; letter-spacing: -0.01em; overflow-wrap: anywhere; }
header p { margin: 0.2rem 0 1rem; color: var(--muted); overflow-wrap: anywhere; }
nav {
  position: sticky; top: 0; z-index: 200; display: flex; gap: 0.2rem; overflow-x: auto; scrollbar-width: none;
  padding: 0.4rem max(1rem, calc((100% - 76rem) / 2)); background: var(--ground); border-bottom: 1px solid var(--line);
}
nav a { padding: 0.25rem 0.6rem; border-radius: 0.5rem; color: var(--muted); text-decoration: none; white-space: nowrap; font-size: 0.9rem; }
nav a:hover, nav a:focus-visible { background: var(--surface); color: var(--text); }
section { margin: 1.8rem 0 2.4rem; }
h2 { margin: 0 0 0.7rem; font-size: 1.15rem; }
p { max-width: 52rem; margin: 0 0 0.9rem; }
section p { color: var(--muted); font-size: 0.92rem; }
code, pre { font: 0.86em/1.5 ui-monospace, monospace; unicode-bidi: isolate; }
code { overflow-wrap: anywhere; padding: 0.1em 0.35em; border-radius: 0.3em; background: color-mix(in oklab, var(--line) 55%, transparent); }
.state { display: flex; align-items: center; gap: 0.8rem; max-width: none; }
.badge { padding: 0.1rem 0.7rem; border-radius: 1rem; font-size: 0.85rem; border: 1px solid currentColor; color: var(--muted); }
.badge.running { color: var(--accent); }
.badge.finished { color: var(--good); }
.lost .badge::after { content: " · connection lost"; }
progress { flex: 1; height: 0.5rem; appearance: none; border: 0; border-radius: 0.25rem; overflow: hidden; background: var(--line); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.7rem; }
.tile, .chart, .picture, .terms, details { background: var(--surface); border: 1px solid var(--line); border-radius: 0.7rem; }
.tile { display: flex; flex-direction: column; padding: 0.6rem 0.85rem 0.7rem; color: inherit; text-decoration: none; }
.tile span, .tile small { color: var(--muted); font-size: 0.82rem; }
.tile b { font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.warning { border-color: var(--warn); background: var(--warn-ground); }
section p.warning { color: var(--text); padding: 0.5rem 0.85rem; border: 1px solid var(--warn); border-radius: 0.7rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr)); gap: 0.9rem; }
figure { margin: 0; padding: 0.7rem 0.85rem; min-width: 0; }
figcaption { margin-bottom: 0.4rem; font-size: 0.85rem; line-height: 1.35; }
figcaption b { display: block; font-size: 0.95rem; overflow-wrap: anywhere; }
figcaption span { color: var(--muted); }
.chart .plot { min-height: 14.5rem; }
.pictures { columns: 30rem 2; column-gap: 0.9rem; }
.picture { break-inside: avoid; margin-bottom: 0.9rem; }
.picture img { display: block; max-width: 100%; height: auto; border-radius: 0.35rem; }
.u-legend { color: var(--muted); font-size: 0.8rem; text-align: left; }
.u-legend th { font-weight: 400; }
.u-legend .u-marker { width: 0.7rem; height: 0.7rem; border-radius: 0.2rem; }
.u-legend .u-value { font-variant-numeric: tabular-nums; color: var(--text); }
.u-legend .edge, .u-cursor-pt.edge { display: none; }
.u-select { background: color-mix(in oklab, var(--accent) 18%, transparent); }
.heat-maps { display: flex; flex-wrap: wrap; gap: 0 1.6rem; margin-bottom: 1rem; }
.heat-maps > div { min-width: 0; }
.heat-maps p { margin: 0.3rem 0; font-size: 0.82rem; }
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: separate; border-spacing: 2px; font-size: 0.82rem; font-variant-numeric: tabular-nums; }
caption { padding-bottom: 0.35rem; color: var(--muted); text-align: left; }
th { color: var(--muted); font-weight: 500; text-align: right; }
.heat td { min-width: 2.9rem; padding: 0.3rem 0.35rem; border-radius: 0.3rem; text-align: center; background: color-mix(in oklab, var(--line) 40%, transparent); }
.heat tbody th { padding-right: 0.35rem; }
.heat tfoot th { text-align: center; }
.heat .marked { outline: 2px solid var(--series-1); outline-offset: -2px; }
${shades}
.rows { border-spacing: 0; margin-top: 0.4rem; }
.rows th, .rows td { padding: 0.25rem 0.7rem 0.25rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
.rows th:first-child { text-align: left; color: var(--text); }
.terms { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 0.2rem 1.6rem; margin: 0 0 0.9rem; padding: 0.7rem 0.95rem; font-size: 0.88rem; }
.terms div { display: flex; gap: 0.8rem; }
dt { flex: none; width: 9.2rem; color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; unicode-bidi: isolate; min-width: 0; }
details { padding: 0.55rem 0.95rem; margin-top: 0.9rem; }
summary { cursor: pointer; }
pre { overflow-x: auto; margin: 0.6rem 0 0.2rem; }
@media print { nav { display: none; } figure, table { break-inside: avoid; } }
`;
