import type { ImageSource, RawImage } from "../../data/dataset.js";
import type { Config } from "../../poa/config-keys.js";
import { planRun } from "../../poa/plan.js";
import { Canvas } from "./canvas.js";
import { centerSquares } from "./center-squares.js";
import { type DrawnImage, type DrawOptions, drawCrops, type GlobalCrop } from "./drawn-crops.js";
import type { Picture } from "./picture.js";
import { captionLine, GAP, LINE, MARGIN } from "./tile-sheet.js";

/** Small crops are magnified by a whole number, so that a global one has about this side in pixels. */
const WANTED_SIDE = 144;
/** What is left of the brightness of a masked patch, and of its edge. */
const MASKED = 0.28;
const EDGE = 0.55;

/** Sizes of a sheet in pixels, which follow from the config. */
interface SheetLayout {
  readonly scale: number;
  readonly globalSide: number;
  readonly localSide: number;
  /** Local crops above each other, and beside each other. */
  readonly down: number;
  readonly across: number;
  readonly rowHeight: number;
}

function layoutOf({ crops }: Config): SheetLayout {
  const { global_crops_size: globalSize, local_crops_size: localSize, local_crops_number: count } = crops;
  const scale = Math.max(1, Math.round(WANTED_SIDE / globalSize));
  const [globalSide, localSide] = [globalSize * scale, localSize * scale];
  const down = Math.max(1, Math.round((globalSide + GAP) / (localSide + GAP)));
  const rowHeight = Math.max(globalSide, count > 0 ? down * (localSide + GAP) - GAP : 0) + LINE + GAP;
  return { scale, globalSide, localSide, down, across: Math.ceil(count / down), rowHeight };
}

/**
 * What training makes of images: a row for each with the image, its two global and its local crops, masked patches
 * darkened. Crops of fewer than 96 pixels are magnified by a whole number.
 *
 * @throws ConfigError, DataError as `drawCrops`
 */
export async function contactSheet(config: Config, source: ImageSource, options: DrawOptions = {}): Promise<Picture> {
  const drawn = await drawCrops(config, source, options);
  const layout = layoutOf(config);
  const { globalSide, localSide, across, rowHeight } = layout;
  const localsWidth = across > 0 ? GAP + across * (localSide + GAP) : 0;
  const width = 2 * MARGIN + 3 * (globalSide + GAP) - GAP + localsWidth;
  const canvas = new Canvas(width, 2 * MARGIN + LINE + drawn.length * rowHeight - GAP);
  const column = (i: number) => MARGIN + i * (globalSide + GAP);
  ["image", "global 1", "global 2"].forEach((heading, i) => {
    captionLine(canvas, heading, { x: column(i), y: MARGIN, width: globalSide });
  });
  if (across > 0)
    captionLine(canvas, "local", { x: column(3) + GAP, y: MARGIN, width: across * (localSide + GAP) - GAP });
  drawn.forEach((image, i) => {
    drawRow(canvas, image, MARGIN + LINE + i * rowHeight, layout);
  });
  return {
    image: canvas,
    caption: captionOf(config, drawn, planRun(config, { images: source.length }).ibotStart, options),
  };
}

function drawRow(
  canvas: Canvas,
  { original, path, globals, locals }: DrawnImage,
  y: number,
  layout: SheetLayout,
): void {
  const { scale, globalSide, localSide, down } = layout;
  const column = (i: number) => MARGIN + i * (globalSide + GAP);
  canvas.draw(centerSquares([original], globalSide)[0], { x: MARGIN, y });
  captionLine(canvas, path.split(/[/\\]/).at(-1)!, { x: MARGIN, y: y + globalSide + 5, width: globalSide });
  globals.forEach((crop, i) => {
    canvas.draw(withMask(crop, scale), { x: column(i + 1), y });
  });
  locals.forEach((crop, i) => {
    const x = column(3) + GAP + Math.floor(i / down) * (localSide + GAP);
    canvas.draw(crop, { x, y: y + (i % down) * (localSide + GAP), scale });
  });
}

/** A crop magnified, its masked patches darkened, each with an edge of a pixel. */
function withMask({ image, mask }: GlobalCrop, scale: number): RawImage {
  const side = image.width * scale;
  const canvas = new Canvas(side, side);
  canvas.draw(image, { x: 0, y: 0, scale });
  if (!mask) return canvas;
  const grid = Math.round(Math.sqrt(mask.length));
  const patchOf = (pixel: number) => Math.floor((pixel * grid) / side);
  for (let y = 0, at = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const masked = mask[patchOf(y) * grid + patchOf(x)] === 1;
      const edge = patchOf(x + 1) !== patchOf(x) || patchOf(y + 1) !== patchOf(y);
      for (let c = 0; c < 3; c++, at++) if (masked) canvas.data[at] *= edge ? EDGE : MASKED;
    }
  }
  return canvas;
}

function captionOf(
  { crops, train, ibot }: Config,
  drawn: readonly DrawnImage[],
  maskStart: number,
  { iteration = 0 }: DrawOptions,
): string {
  const { global_crops_size: globalSize, local_crops_size: localSize, local_crops_number: count } = crops;
  const locals = count > 0 ? ` and ${count} local ones of ${localSize}` : "";
  const masked = drawn.flatMap(({ globals }) => globals.filter(({ mask }) => mask)).length;
  const masks =
    ibot.loss_weight > 0
      ? `Darkened patches are masked for the patch loss, in ${masked} of the ${2 * drawn.length} global crops shown; ` +
        `training masks from step ${maskStart} on.`
      : "The patch loss is off, so nothing is masked.";
  return (
    `Step ${iteration}, seed ${train.seed}: ${drawn.length} images, each with two global crops of ${globalSize} pixels` +
    `${locals}. ${masks}`
  );
}
