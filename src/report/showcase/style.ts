/** What the page of encoders has beside the style of reports. */
export const showcaseStyle = `
[hidden] { display: none !important; }
.showcase { display: grid; gap: 0 2.4rem; padding-bottom: 2rem; }
.showcase > .warning, .showcase > noscript { grid-column: 1 / -1; }
.showcase > p.warning, .showcase noscript p { max-width: none; padding: 0.5rem 0.85rem; border: 1px solid var(--warn); border-radius: 0.7rem; }
.showcase > div { min-width: 0; }
.showcase section { margin: 0.6rem 0 1.8rem; }
.showcase .note { margin: 0.6rem 0; font-size: 0.85rem; }
@media (min-width: 62rem) { .showcase { grid-template-columns: 25rem minmax(0, 1fr); } }
.drop {
  display: flex; flex-direction: column; align-items: center; gap: 0.1rem; padding: 1rem; cursor: pointer; text-align: center;
  border: 2px dashed color-mix(in oklab, var(--accent) 55%, var(--line)); border-radius: 0.9rem; background: var(--surface);
}
.drop b { color: var(--accent); }
.drop span { color: var(--muted); font-size: 0.85rem; }
.drop input { position: absolute; opacity: 0; pointer-events: none; }
.drop:hover, .drop:focus-within, .dragging .drop { border-color: var(--accent); background: color-mix(in oklab, var(--accent) 9%, var(--surface)); }
.drop:focus-within, .choice-image:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(3.4rem, 1fr)); gap: 0.45rem; }
button { font: inherit; color: inherit; cursor: pointer; }
.choice-image { padding: 0; aspect-ratio: 1; border: 2px solid transparent; border-radius: 0.55rem; overflow: hidden; background: var(--surface); }
.choice-image img, .choice-image canvas { display: block; width: 100%; height: 100%; object-fit: cover; }
.choice-image[aria-pressed="true"] { border-color: var(--accent); box-shadow: 0 0 0 2px color-mix(in oklab, var(--accent) 30%, transparent); }
.networks { width: 100%; }
.networks td, .networks th { padding: 0; }
.networks thead th { padding: 0.2rem 0 0.3rem 0.5rem; vertical-align: bottom; white-space: normal; line-height: 1.2; }
.networks thead th:first-child { padding-left: 0; }
.networks tbody td { padding: 0.35rem 0 0.35rem 0.5rem; }
.networks label { display: flex; align-items: center; gap: 0.45rem; padding: 0.45rem 0; cursor: pointer; font-weight: 600; }
.networks input { margin: 0; accent-color: var(--accent); }
.networks tr:has(:checked) { background: color-mix(in oklab, var(--accent) 10%, transparent); }
.networks .latency { min-width: 5rem; }
.latency .time { display: block; line-height: 1.2; }
.latency .bar { display: block; height: 3px; margin-top: 2px; border-radius: 2px; background: var(--accent); width: 0; margin-left: auto; transition: width 0.3s; }
.actions { display: flex; align-items: center; gap: 0.8rem; margin-top: 0.7rem; min-height: 2.3rem; font-size: 0.88rem; color: var(--muted); }
.actions button { flex: none; padding: 0.35rem 0.9rem; border: 1px solid var(--line); border-radius: 0.6rem; background: var(--surface); color: var(--text); }
.actions button:hover:not(:disabled) { border-color: var(--accent); color: var(--accent); }
.actions button:disabled { opacity: 0.5; cursor: default; }
.findings { transition: opacity 0.2s; }
.findings[aria-busy="true"] section { opacity: 0.55; }
.tiles-of-images { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: 0.7rem; }
@media (max-width: 40rem) {
  .strip { display: flex; overflow-x: auto; margin: 0 -1rem; padding: 3px 1rem 0.5rem; }
  .strip .choice-image { flex: none; width: 3.6rem; }
  .tiles-of-images { grid-template-columns: repeat(auto-fill, minmax(4.9rem, 1fr)); gap: 0.55rem; }
  .tiles-of-images figcaption { font-size: 0.75rem; }
}
#nearest:empty, #maps:empty { min-height: 8rem; border-radius: 0.7rem; background: color-mix(in oklab, var(--line) 40%, transparent); }
.tiles-of-images figure { padding: 0; }
.tiles-of-images canvas { display: block; width: 100%; aspect-ratio: 1; border-radius: 0.5rem; background: color-mix(in oklab, var(--line) 50%, transparent); }
.tiles-of-images canvas.coarse { image-rendering: pixelated; }
.tiles-of-images figcaption { display: flex; justify-content: space-between; gap: 0.4rem; margin: 0.25rem 0 0; font-size: 0.82rem; color: var(--muted); font-variant-numeric: tabular-nums; }
.tiles-of-images figcaption b { display: inline; font-size: inherit; font-weight: 600; color: var(--text); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tiles-of-images .right canvas { outline: 3px solid var(--good); outline-offset: -3px; }
.tiles-of-images .other canvas { outline: 3px solid var(--series-1); outline-offset: -3px; }
.votes { display: grid; grid-template-columns: auto minmax(4rem, 1fr) auto; gap: 0.3rem 0.8rem; align-items: center; max-width: 34rem; min-height: 5.2rem; margin-bottom: 0.9rem; font-size: 0.9rem; align-content: start; }
.votes .name { overflow-wrap: anywhere; }
.votes .track { height: 0.6rem; border-radius: 0.3rem; background: color-mix(in oklab, var(--line) 60%, transparent); overflow: hidden; }
.votes .track span { display: block; height: 100%; background: var(--accent); border-radius: 0.3rem; }
.votes .share { text-align: right; color: var(--muted); font-variant-numeric: tabular-nums; }
#about p { margin: 0.6rem 0; color: var(--muted); font-size: 0.9rem; }
`;
