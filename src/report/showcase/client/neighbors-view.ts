import type { ShowcaseBank } from "../content.js";
import { byId, canvasOf, element, tile } from "./dom.js";
import type { Looked } from "./messages.js";

/** Classes whose vote is shown. */
const SHOWN_CLASSES = 3;
const LEAST_SHARE = 0.005;
/** Pictures with fewer pixels are shown with their pixels. */
const COARSE_SIDE = 40;

/** Shows neighbours, and how their classes vote. */
export class NeighborsView {
  private readonly bank: ShowcaseBank;
  private readonly sheets = new Map<string, Promise<HTMLImageElement>>();

  constructor(bank: ShowcaseBank) {
    this.bank = bank;
  }

  /** @param label  class of the image that they are neighbours of, where it is known */
  show({ neighbors, votes }: Looked, label: string | null): void {
    byId("nearest").replaceChildren(...neighbors.map((one) => this.neighbor(one, label)));
    if (votes) byId("votes").replaceChildren(...this.voteBars(votes));
  }

  private neighbor({ index, similarity }: Looked["neighbors"][number], wanted: string | null): HTMLElement {
    const { labels, classes, thumbnails } = this.bank;
    const name = labels ? classes[labels[index]] : null;
    const [canvas, context] = canvasOf(thumbnails.side);
    canvas.classList.toggle("coarse", thumbnails.side < COARSE_SIDE);
    const figure = tile(
      canvas,
      name === null ? `image ${index} of the bank` : `image ${index} of the bank, ${name}`,
      ...(name === null ? [] : [element("b", "", name)]),
      similarity.toFixed(3),
    );
    figure.dataset.index = String(index);
    if (wanted !== null && name !== null) figure.className = name === wanted ? "right" : "other";
    this.draw(context, index).catch((error: Error) => {
      figure.title = error.message;
    });
    return figure;
  }

  /** Draws a picture of the bank as soon as its sheet is there. */
  private async draw(context: CanvasRenderingContext2D, index: number): Promise<void> {
    const { side, perSide, sheets } = this.bank.thumbnails;
    const place = index % perSide ** 2;
    const sheet = await this.sheet(sheets[Math.floor(index / perSide ** 2)]);
    const [x, y] = [(place % perSide) * side, Math.floor(place / perSide) * side];
    context.drawImage(sheet, x, y, side, side, 0, 0, side, side);
  }

  private sheet(address: string): Promise<HTMLImageElement> {
    const known = this.sheets.get(address);
    if (known) return known;
    const image = new Image();
    image.src = address;
    const loading = image.decode().then(() => image);
    this.sheets.set(address, loading);
    return loading;
  }

  private voteBars(votes: readonly number[]): HTMLElement[] {
    const best = votes
      .map((share, index) => ({ share, name: this.bank.classes[index] }))
      .filter(({ share }) => share >= LEAST_SHARE)
      .sort((a, b) => b.share - a.share)
      .slice(0, SHOWN_CLASSES);
    return best.flatMap(({ share, name }) => {
      const filled = element("span");
      filled.style.width = `${100 * share}%`;
      return [
        element("span", "name", name),
        element("span", "track", filled),
        element("span", "share", `${Math.round(100 * share)} %`),
      ];
    });
  }
}
