import { type Html, html } from "../html.js";
import { emptyNote, type Section } from "../section.js";

/** A picture of the page, encoded. */
export interface PagePicture {
  readonly title: string;
  /** What one sees in it. */
  readonly caption: string;
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/** What the network sees and what it makes of it; null where nobody named images. */
export function pictures(made: readonly PagePicture[] | null, path: string): Section {
  const body = made
    ? html`<div class="pictures">${made.map(figure)}</div>`
    : emptyNote(
        "Crops, attention, features and neighbours are shown for images that are named:",
        `poa report ${path} --data SPEC`,
      );
  return { id: "pictures", title: "What the network sees", body, charts: [] };
}

function figure({ title, caption, width, height, png }: PagePicture): Html {
  const data = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
  return html`<figure class="picture"><figcaption><b>${title}</b> <span>${caption}</span></figcaption>
<img src="${data}" width="${width}" height="${height}" alt="${title}: ${caption}"></figure>`;
}
