import type { Network } from "../elastic/space.js";
import { type Html, html } from "./html.js";

/** Shades of a heat map; the style sheet has one class for each. */
export const SHADES = 10;

/** What stands in the place of one network. */
export interface HeatCell {
  readonly value: number;
  readonly text: string;
  /** Shown beside the pointer. */
  readonly title: string;
  /** Set apart by a frame. */
  readonly marked?: boolean;
}

export interface HeatMapOptions<N extends Network> {
  readonly caption: string;
  /** null leaves a place empty. */
  readonly cell: (network: N) => HeatCell | null;
}

/** Where a network stands: in the column of its width and the row of its depth. A ResNet has two depths and a map for each width. */
interface Place {
  readonly map: number | null;
  readonly column: number;
  readonly row: number;
}

function placeOf({ name }: Network): Place {
  const numbers = name.split("x").map(Number);
  if (numbers.length > 2) return { map: numbers[0], row: numbers[1], column: numbers[2] };
  return { map: null, column: numbers[0], row: numbers[1] };
}

/** Networks as tables of width by depth, deep ones on top, in shades from the least value to the greatest. */
export function heatMaps<N extends Network>(networks: readonly N[], { caption, cell }: HeatMapOptions<N>): Html {
  const cells = networks.map(cell);
  const values = cells.flatMap((cell) => (cell && Number.isFinite(cell.value) ? [cell.value] : []));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const shade = (value: number) =>
    high > low ? Math.min(SHADES - 1, Math.floor((SHADES * (value - low)) / (high - low))) : SHADES >> 1;
  const entries = networks.map((network, i) => ({ ...placeOf(network), cell: cells[i] }));
  const maps = [...new Set(entries.map(({ map }) => map))];
  return html`<div class="heat-maps">${maps.map((map) =>
    heatMap(
      entries.filter((entry) => entry.map === map),
      { caption: map === null ? caption : `${caption}, width ${map}`, shade, flat: map === null },
    ),
  )}</div>`;
}

function heatMap(
  entries: readonly (Place & { readonly cell: HeatCell | null })[],
  { caption, shade, flat }: { caption: string; shade: (value: number) => number; flat: boolean },
): Html {
  const axis = (key: "column" | "row") => [...new Set(entries.map((entry) => entry[key]))].sort((a, b) => a - b);
  const columns = axis("column");
  const rows = axis("row").reverse();
  const at = new Map(entries.map((entry) => [`${entry.column} ${entry.row}`, entry.cell]));
  const cellOf = (cell: HeatCell | null | undefined) => {
    if (!cell) return html`<td></td>`;
    const classes = Number.isFinite(cell.value) ? `h${shade(cell.value)}${cell.marked ? " marked" : ""}` : "";
    return html`<td class="${classes}" title="${cell.title}">${cell.text}</td>`;
  };
  const [across, down] = flat ? ["width", "depth"] : ["stage-3 blocks", "stage-2 blocks"];
  const title = `${caption}; ${across} from left to right, ${down} upwards`;
  return html`<div><p>${title}</p><div class="wide"><table class="heat" aria-label="${title}">
<tbody>${rows.map(
    (row) =>
      html`<tr><th scope="row">${row}</th>${columns.map((column) => cellOf(at.get(`${column} ${row}`)))}</tr>
`,
  )}</tbody>
<tfoot><tr><th></th>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></tfoot>
</table></div></div>`;
}
