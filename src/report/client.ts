// Runs in the page, not in Node: draws its charts, and takes updates from the dashboard. src/report/assets.ts puts it there as a
// text, so it imports types alone.
import type Plot from "uplot";
import type { Chart, ChartNumber, ChartSeries } from "./chart.js";
import type { PageUpdate } from "./page.js";

declare const uPlot: typeof Plot;

const HEIGHT = 200;
/** Colours of series, as custom properties of the style sheet. */
const COLORS = 8;
/** Of a colour that is laid over another: a quarter, as the last two hexadecimal digits. */
const QUARTER = "40";

/** Distances between numbers of an axis that counts. */
const WHOLE = Array.from({ length: 30 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3));

const charts = new Map<string, Chart>();
const plots = new Map<string, { readonly plot: Plot; readonly chart: Chart }>();

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

function text(value: ChartNumber | undefined): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e4) return compact.format(value);
  return size !== 0 && size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

function columns({ x, series }: Chart): Plot.AlignedData {
  const edges = ({ range }: ChartSeries) => (range ? [range.high, range.low] : []);
  return [x, ...series.flatMap((one) => [...edges(one), one.values])] as Plot.AlignedData;
}

/** A series with a range is drawn as three: its edges, which only bound a band, and itself. */
function seriesOptions({ series, names, xLabel }: Chart): { series: Plot.Series[]; bands: Plot.Band[] } {
  const made: Plot.Series[] = [
    { label: xLabel, value: (_, value, __, i) => (names && i !== null ? `${names[i]} · ${text(value)}` : text(value)) },
  ];
  const bands: Plot.Band[] = [];
  series.forEach(({ label, range, points }, i) => {
    const stroke = color(`series-${i % COLORS}`);
    if (range) {
      const edge: Plot.Series = { class: "edge", stroke: "transparent", width: 0, points: { show: false } };
      made.push(edge, { ...edge });
      if (!points) bands.push({ series: [made.length - 2, made.length - 1], fill: stroke + QUARTER });
    }
    made.push({
      label,
      stroke,
      width: 1.5,
      spanGaps: true,
      value: (_, value) => text(value),
      ...pointsOf(stroke, { alone: points, named: names !== undefined }),
    });
  });
  return { series: made, bands };
}

/** Dots alone, a line alone beside dots that have names, or a line with dots where there is room for them. */
function pointsOf(stroke: string, { alone, named }: { alone?: boolean; named: boolean }): Partial<Plot.Series> {
  if (alone) return { paths: () => null, points: { show: true, size: 7, fill: stroke } };
  return { points: named ? { show: false } : { fill: stroke } };
}

/** Some room beside points that stand at the ends. */
function linearRange(_: Plot, min: number, max: number): Plot.Range.MinMax {
  const room = 0.05 * (max - min || max);
  return [min - room, max + room];
}

/** The same; lines of a logarithmic axis are counted from its start, so that is a round number. */
function logRange(_: Plot, min: number, max: number): Plot.Range.MinMax {
  const decade = 10 ** Math.floor(Math.log10(min / 1.1));
  return [Math.floor(min / 1.1 / decade) * decade, max * 1.2];
}

/** Of a logarithmic axis 1, 2 and 5 of each decade have room for a number. */
function logLabels(_: Plot, splits: number[]): (number | null)[] {
  return splits.map((value) =>
    [1, 2, 5].includes(Math.round(value / 10 ** Math.floor(Math.log10(value)))) ? value : null,
  );
}

function axis(label?: string): Plot.Axis {
  const line = color("line");
  return {
    stroke: color("muted"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
    values: (_, splits) => splits.map((value) => (value === null ? null : text(value))),
    ...(label === undefined
      ? {
          size: (_: Plot, values: readonly string[] | null) =>
            18 + 6.6 * Math.max(3, ...(values ?? []).map((v) => v?.length ?? 0)),
        }
      : { size: 30 }),
  };
}

/** Upright bars from the low to the high edge of series of points. */
function drawBars({ series }: Chart): (plot: Plot) => void {
  return (plot) => {
    const { ctx } = plot;
    for (const { range, points, values } of series) {
      if (!range || !points) continue;
      ctx.save();
      ctx.strokeStyle = color("muted");
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      values.forEach((_, i) => {
        const [low, high] = [range.low[i], range.high[i]];
        if (low === null || high === null) return;
        const x = plot.valToPos(plot.data[0][i], "x", true);
        ctx.moveTo(x, plot.valToPos(low, "y", true));
        ctx.lineTo(x, plot.valToPos(high, "y", true));
      });
      ctx.stroke();
      ctx.restore();
    }
  };
}

/** Switching a series off takes its band with it. */
function edgesFollow(plot: Plot, index: number | null): void {
  const isEdge = (at: number) => plot.series[at]?.class === "edge";
  if (index === null || isEdge(index) || !isEdge(index - 1)) return;
  const show = plot.series[index].show === true;
  for (const edge of [index - 1, index - 2]) if (plot.series[edge].show !== show) plot.setSeries(edge, { show });
}

/** Without a pointer the legend tells the last numbers. */
function showLast(plot: Plot): void {
  if ((plot.cursor.left ?? -1) < 0) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function draw(figure: HTMLElement): void {
  const chart = charts.get(figure.dataset.chart ?? "");
  const place = figure.querySelector<HTMLElement>(".plot");
  if (!chart || !place) return;
  const { series, bands } = seriesOptions(chart);
  const overIterations = chart.xLabel === "iteration";
  const log = chart.xScale === "log";
  const plot = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      ...{ series, bands },
      padding: [10, 14, 0, 0],
      scales: {
        x: { time: false, ...(chart.names && { range: linearRange }), ...(log && { distr: 3, range: logRange }) },
      },
      axes: [
        { ...axis(chart.xLabel), ...(log && { filter: logLabels }), ...(overIterations && { incrs: WHOLE }) },
        axis(),
      ],
      cursor: overIterations ? { sync: { key: "iteration" }, y: false } : { y: false },
      hooks: {
        drawAxes: [drawBars(chart)],
        setSeries: [edgesFollow],
        setLegend: [showLast],
        setData: [showLast],
        ready: [showLast],
      },
    },
    columns(chart),
    place,
  );
  plots.set(chart.id, { plot, chart });
  widths.observe(place);
}

const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const id = (target.parentElement as HTMLElement).dataset.chart ?? "";
    const { plot } = plots.get(id) ?? {};
    if (plot && target.clientWidth > 0 && plot.width !== target.clientWidth)
      plot.setSize({ width: target.clientWidth, height: HEIGHT });
  }
});

function drawAll(within: ParentNode): void {
  for (const figure of within.querySelectorAll<HTMLElement>("[data-chart]")) draw(figure);
}

/** Gives new numbers to a plot that has the same series; a part that a reader has chosen stays chosen. */
function redraw(chart: Chart): void {
  const drawn = plots.get(chart.id);
  if (!drawn) return;
  const { plot, chart: before } = drawn;
  const shape = ({ series }: Chart) => series.map(({ label, range }) => `${label} ${range !== undefined}`).join();
  if (shape(chart) !== shape(before)) {
    const figure = plot.root.closest<HTMLElement>("[data-chart]");
    plot.destroy();
    if (figure) draw(figure);
    return;
  }
  const { min, max } = plot.scales.x;
  const whole = min === plot.data[0][0] && max === plot.data[0].at(-1);
  plots.set(chart.id, { plot, chart });
  plot.setData(columns(chart), whole);
  if (!whole) plot.redraw();
}

function replaceBody(id: string, markup: string): void {
  const body = document.querySelector<HTMLElement>(`#${CSS.escape(id)} > .body`);
  if (!body) return;
  for (const figure of body.querySelectorAll<HTMLElement>("[data-chart]")) forget(figure.dataset.chart ?? "");
  const open = [...body.querySelectorAll("details")].map((details) => details.open);
  body.innerHTML = markup;
  body.querySelectorAll("details").forEach((details, i) => {
    details.open = open[i] ?? false;
  });
  drawAll(body);
}

function forget(id: string): void {
  plots.get(id)?.plot.destroy();
  plots.delete(id);
}

function update({ bodies, charts: changed }: PageUpdate): void {
  for (const chart of changed) charts.set(chart.id, chart);
  for (const [id, markup] of Object.entries(bodies)) replaceBody(id, markup);
  for (const chart of changed) if (plots.get(chart.id)?.chart !== chart) redraw(chart);
}

/** Follows the dashboard; the browser connects again by itself where the connection is lost. */
function follow(address: string): void {
  const events = new EventSource(address);
  events.addEventListener("message", ({ data }) => update(JSON.parse(data) as PageUpdate));
  const tell = (lost: boolean) => document.body.classList.toggle("lost", lost);
  events.addEventListener("open", () => tell(false));
  events.addEventListener("error", () => tell(true));
}

for (const chart of JSON.parse(document.getElementById("charts")?.textContent ?? "[]") as Chart[])
  charts.set(chart.id, chart);
drawAll(document);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const id of [...plots.keys()]) forget(id);
  drawAll(document);
});
const { events: address } = document.body.dataset;
if (address !== undefined) follow(address);
