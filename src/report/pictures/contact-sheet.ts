import type { ImageSource, RawImage } from "../../data/dataset.js";
import type { Config } from "../../poa/config-keys.js";
import { planRun } from "../../poa/plan.js";
import { Canvas, type Rgb } from "./canvas.js";
import { type DrawnImage, type DrawOptions, drawCrops, type GlobalCrop } from "./drawn-crops.js";
import { fittedImage } from "./fitted-image.js";
import type { Picture } from "./picture.js";
import { captionLine, GAP, LINE, MARGIN } from "./tile-sheet.js";

/** Small crops are magnified by a whole number, so that a global one has about this side in pixels. */
const WANTED_SIDE = 144;
/** Beside images that are no squares. */
const EMPTY: Rgb = [238, 238, 240];
/** The colour that covers masked patches, and how much of it, also at their edges. */
const COVER: Rgb = [62, 72, 132];
const COVERED = 0.78;
const COVERED_EDGE = 0.5;

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
 * What training makes of images: a row for each with the whole image, its two global and its local crops, masked patches
 * covered in blue. Crops of fewer than 96 pixels are magnified by a whole number.
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
  const whole = fittedImage(original, globalSide);
  const middle = (size: number) => Math.floor((globalSide - size) / 2);
  canvas.fill({ x: MARGIN, y, width: globalSide, height: globalSide }, EMPTY);
  canvas.draw(whole, { x: MARGIN + middle(whole.width), y: y + middle(whole.height) });
  captionLine(canvas, path.split(/[/\\]/).at(-1)!, { x: MARGIN, y: y + globalSide + 5, width: globalSide });
  globals.forEach((crop, i) => {
    canvas.draw(withMask(crop, scale), { x: column(i + 1), y });
  });
  locals.forEach((crop, i) => {
    const x = column(3) + GAP + Math.floor(i / down) * (localSide + GAP);
    canvas.draw(crop, { x, y: y + (i % down) * (localSide + GAP), scale });
  });
}

/** A crop magnified, its masked patches covered, each with a lighter edge of a pixel. */
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
      const share = masked ? (edge ? COVERED_EDGE : COVERED) : 0;
      for (let c = 0; c < 3; c++, at++) canvas.data[at] += Math.round(share * (COVER[c] - canvas.data[at]));
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
      ? `Patches under blue are masked for the patch loss, in ${masked} of the ${2 * drawn.length} global crops shown; ` +
        `training masks from step ${maskStart} on.`
      : "The patch loss is off, so nothing is masked.";
  return (
    `Step ${iteration}, seed ${train.seed}: ${drawn.length} images, each with two global crops of ${globalSize} pixels` +
    `${locals}. ${masks}`
  );
}
