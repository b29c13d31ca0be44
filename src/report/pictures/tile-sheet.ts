import type { RawImage } from "../../data/dataset.js";
import { fitText, GLYPH_HEIGHT, textWidth } from "./bitmap-font.js";
import { type Box, Canvas, type Rgb } from "./canvas.js";

/** Pixels between tiles, and around all of them. */
export const GAP = 8;
export const MARGIN = 12;
/** Pixels of the picture for one of the font. */
const TEXT_SCALE = 2;
/** Pixels that a line of text takes. */
export const LINE = GLYPH_HEIGHT * TEXT_SCALE + 6;
const FRAME = 3;

/** A square in a table of pictures. */
export interface Tile {
  readonly image: RawImage;
  readonly frame?: Rgb;
  /** Stands below, cut to the width of the tile. */
  readonly label?: string;
}

export interface TileTable {
  /** One above each column; none if there are no headings. */
  readonly headings?: readonly string[];
  /** Rows of tiles, each of at most as many as the widest. */
  readonly rows: readonly (readonly Tile[])[];
  /** Width and height of every tile in pixels. */
  readonly side: number;
}

/** Where the tiles of a table lie. */
export class TileLayout {
  readonly width: number;
  readonly height: number;
  private readonly side: number;
  private readonly top: number;
  private readonly rowHeight: number;

  constructor({ headings = [], rows, side }: TileTable) {
    const columns = Math.max(...rows.map((row) => row.length));
    this.side = side;
    this.top = MARGIN + (headings.length > 0 ? LINE : 0);
    this.rowHeight = side + GAP + (rows.some((row) => row.some(({ label }) => label)) ? LINE : 0);
    this.width = 2 * MARGIN + columns * (side + GAP) - GAP;
    this.height = this.top + rows.length * this.rowHeight - GAP + MARGIN;
  }

  /** The pixels of a tile, without frame and label. */
  at(row: number, column: number): Box {
    const { side, top, rowHeight } = this;
    return { x: MARGIN + column * (side + GAP), y: top + row * rowHeight, width: side, height: side };
  }
}

/** Columns that a table may have before its rows stay below each other. */
const MOST_COLUMNS = 9;
/** Rows that stay below each other. */
const FEW_ROWS = 4;

/** The same table with its rows in several blocks beside each other, so that many short rows make no tower. */
export function sideBySide({ headings = [], rows, side }: TileTable): TileTable {
  const columns = Math.max(...rows.map((row) => row.length));
  const blocks = Math.max(1, Math.min(Math.floor(MOST_COLUMNS / columns), Math.ceil(rows.length / FEW_ROWS)));
  const height = Math.ceil(rows.length / blocks);
  const part = Array.from({ length: Math.ceil(rows.length / height) }, (_, block) => block * height);
  return {
    headings: part.flatMap(() => headings),
    rows: Array.from({ length: height }, (_, r) => part.flatMap((first) => rows[first + r] ?? [])),
    side,
  };
}

/** Draws a table of pictures. The tiles' images have `side` pixels along each axis. */
export function drawTiles(table: TileTable): RawImage {
  const { headings = [], rows } = table;
  const layout = new TileLayout(table);
  const canvas = new Canvas(layout.width, layout.height);
  const small = headings.some((heading) => textWidth(heading) * TEXT_SCALE > table.side);
  headings.forEach((heading, column) => {
    captionLine(canvas, heading, { ...layout.at(0, column), y: MARGIN, scale: small ? 1 : TEXT_SCALE });
  });
  rows.forEach((row, r) => {
    row.forEach(({ image, frame, label }, column) => {
      const box = layout.at(r, column);
      canvas.draw(image, box);
      if (frame) canvas.frame(box, frame, FRAME);
      if (label) captionLine(canvas, label, { ...box, y: box.y + box.height + 5 });
    });
  });
  return canvas;
}

/** A line of text in the middle of a width, cut to it. */
export function captionLine(
  canvas: Canvas,
  text: string,
  { x, y, width, scale = TEXT_SCALE }: { x: number; y: number; width: number; scale?: number },
): void {
  const shown = fitText(text, Math.floor(width / scale));
  canvas.text(shown, { x: x + Math.floor((width - textWidth(shown) * scale) / 2), y, scale });
}
