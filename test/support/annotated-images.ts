import { pngOf } from "./program.js";
import { tempFolder } from "./temp-folder.js";

/** An object as VOC writes it: edges count pixels from 1 and include the last. */
export interface VocObject {
  readonly name: string;
  readonly edges: readonly [xmin: number, ymin: number, xmax: number, ymax: number];
  readonly difficult?: boolean;
}

/** An annotation file of VOC. */
export function vocXml(objects: readonly VocObject[]): string {
  const each = objects.map(
    ({ name, edges, difficult }) =>
      `<object><name>${name}</name><difficult>${difficult ? 1 : 0}</difficult><bndbox>` +
      ["xmin", "ymin", "xmax", "ymax"].map((edge, i) => `<${edge}>${edges[i]}</${edge}>`).join("") +
      "</bndbox></object>",
  );
  return `<annotation><filename>ignored.jpg</filename>${each.join("\n")}</annotation>\n`;
}

const SIDE = { width: 48, height: 40 };

/** A grey image with a red square and a wide blue bar whose places vary, and where they are. */
export function shapesImage(seed: number) {
  const { width, height } = SIDE;
  const data = new Uint8Array(3 * width * height).fill(90);
  const [x, y] = [2 + ((seed * 7) % 12), 3 + ((seed * 5) % 18)];
  const [u, v] = [22 + ((seed * 3) % 8), 4 + ((seed * 11) % 24)];
  const paint = ([left, top, right, bottom]: readonly number[], color: readonly number[]) => {
    for (let row = top; row < bottom; row++)
      for (let column = left; column < right; column++) data.set(color, 3 * (row * width + column));
  };
  const square = [x, y, x + 12, y + 12] as const;
  const bar = [u, v, u + 16, v + 8] as const;
  paint(square, [220, 30, 30]);
  paint(bar, [30, 40, 220]);
  return { image: { width, height, channels: 3, data }, square, bar };
}

/** A VOC folder with images of two shapes: `trainval` and `test` as listed. */
export function shapesVoc(train: number, test: number): string {
  const files: Record<string, string | Uint8Array> = {};
  const names = Array.from({ length: train + test }, (_, i) => `shape${i}`);
  names.forEach((name, i) => {
    const { image, square, bar } = shapesImage(i);
    const edges = ([left, top, right, bottom]: readonly number[]) => [left + 1, top + 1, right, bottom] as const;
    files[`JPEGImages/${name}.png`] = pngOf(image);
    files[`Annotations/${name}.xml`] = vocXml([
      { name: "square", edges: edges(square) },
      { name: "bar", edges: edges(bar) },
    ]);
  });
  files["ImageSets/Main/trainval.txt"] = `${names.slice(0, train).join("\n")}\n`;
  files["ImageSets/Main/test.txt"] = `${names.slice(train).join("\n")}\n`;
  return tempFolder(files);
}
