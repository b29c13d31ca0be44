import { attentionCaption } from "../../pictures/attention-caption.js";
import { meanMap, overlay } from "../../pictures/map-overlay.js";
import type { ShowcaseNetwork } from "../content.js";
import { byId, tile } from "./dom.js";
import type { Looked } from "./messages.js";
import { type ChosenPicture, drawSquare } from "./picture.js";

/** Pixels along each side of a map. */
const SIDE = 224;

/** Shows what the encoder sees of an image and, over it, its maps. */
export function showAttention(picture: ChosenPicture, network: ShowcaseNetwork, { seen, attention }: Looked): void {
  const { grid, maps } = attention;
  const ofHeads = network.family === "vit" && maps.length > 1;
  const shown = ofHeads ? [meanMap(maps), ...maps] : maps;
  const alone = network.family === "vit" ? "attention" : "similarity";
  const names = ofHeads ? ["mean", ...maps.map((_, head) => `head ${head + 1}`)] : [alone];
  const plain = drawSquare(picture, seen, SIDE);
  byId("maps").replaceChildren(
    tile(plain.canvas, "the part of the image that the encoder sees", "what it sees"),
    ...shown.map((map, i) => tile(covered(drawSquare(picture, seen, SIDE), map, grid), names[i], names[i])),
  );
  byId("maps-note").textContent = attentionCaption(network, grid, maps.length);
}

/** Lays a map over what stands on a canvas. */
function covered({ canvas, context }: ReturnType<typeof drawSquare>, map: Float32Array, grid: number) {
  const pixels = context.getImageData(0, 0, SIDE, SIDE);
  const rgb = Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => pixels.data[4 * Math.floor(i / 3) + (i % 3)]);
  const { data } = overlay({ width: SIDE, height: SIDE, channels: 3, data: rgb }, map, grid);
  for (let i = 0; i < SIDE * SIDE; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = data[3 * i + c];
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}
