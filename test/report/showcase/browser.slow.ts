import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import type { ImageSource, RawImage } from "../../../src/data/dataset.js";
import { openSource } from "../../../src/data/source-spec.js";
import { loadEncoder } from "../../../src/edge/encoder.js";
import { extractFeatures } from "../../../src/eval/features.js";
import { readEncoder, writeEncoder } from "../../../src/export/encoder-file.js";
import { nearestRows } from "../../../src/ops/nearest.js";
import { attentionCaption } from "../../../src/report/pictures/attention-caption.js";
import { centerSquares } from "../../../src/report/pictures/center-squares.js";
import { meanMap, overlay } from "../../../src/report/pictures/map-overlay.js";
import type { ShowcaseContent } from "../../../src/report/showcase/content.js";
import { init } from "../../../src/runtime/context.js";
import { inBrowser, withBrowser } from "../../support/browser.js";
import { openPage, shoot } from "../../support/page-view.js";
import { expectCode, pngOf, tinyPretrain, workshop } from "../../support/program.js";
import { type FolderServerOptions, serveFolder } from "../../support/serve.js";
import { squareImage } from "../../support/square-run.js";
import { tinyResnet, tinySwin } from "../../support/tiny-families.js";

/** Larger than what the networks see. */
const dropped = squareImage(3, { side: 40 });

const families = ["vit", "swin", "resnet"] as const;
type Family = (typeof families)[number];

const made = new Map<Family, Promise<string>>();

/** The folder of a showcase: of a tiny run, or of one encoder of another family. */
function showcaseFolder(family: Family): Promise<string> {
  const folder = made.get(family) ?? makeShowcase(family);
  made.set(family, folder);
  return folder;
}

async function makeShowcase(family: Family): Promise<string> {
  const cwd = workshop();
  if (family === "vit") await expectCode(0, tinyPretrain, { cwd });
  else writeEncoder(join(cwd, "run"), family === "swin" ? tinySwin() : tinyResnet());
  await expectCode(0, ["showcase", "run", "--data", "images", "--samples", "4", "--out", "page"], { cwd });
  return join(cwd, "page");
}

type Instead = FolderServerOptions["instead"];

const AS_IT_IS: Instead = () => undefined;
const without =
  (name: string): Instead =>
  (url) =>
    url.endsWith(`/${name}`) ? null : undefined;

/** Waits until what is shown belongs to what is chosen. */
async function settled(page: Page): Promise<void> {
  await page.waitForSelector("#maps canvas");
  await page.waitForSelector("#findings:not([aria-busy])");
}

/** Drops files on the page, as a person does. */
async function drop(page: Page, name: string, type: string, bytes: Uint8Array): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ name, type, bytes }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], name, { type }));
      return data;
    },
    { name, type, bytes: [...bytes] },
  );
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}

/** Index and similarity of the neighbours that the page shows. */
function shownNeighbors(page: Page): Promise<{ index: number; similarity: string }[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("#nearest figure")].map((figure) => ({
      index: Number(figure.dataset.index),
      similarity: figure.querySelector("figcaption")!.lastChild!.textContent!,
    })),
  );
}

/** What the page knows of its networks and images. */
function contentOf(folder: string): ShowcaseContent {
  return JSON.parse(/id="content">(.*)<\/script>/.exec(readFileSync(join(folder, "index.html"), "utf8"))![1]);
}

/** The images of the bank. */
async function bankOf(folder: string): Promise<ImageSource> {
  const all = await openSource(join(folder, "..", "images"));
  const held = new Set([2, 6, 10, 14]); // the samples, spread evenly over 16
  const rest = Array.from({ length: 16 }, (_, i) => i).filter((i) => !held.has(i));
  assert.is(contentOf(folder).bank.count, rest.length);
  return { ...all, length: rest.length, labels: null, read: (i: number) => all.read(rest[i]) };
}

/** What the library finds for the dropped image in the bank of the page. */
async function expectedNeighbors(folder: string, name: string) {
  const encoder = readEncoder(join(folder, "networks", `${name}.poa`));
  const source = await bankOf(folder);
  const found = await extractFeatures(source, encoder);
  const query = { ...source, length: 1, read: () => dropped };
  const asked = await extractFeatures(query, encoder);
  return step(() => {
    const { index, similarity } = nearestRows(asked.features, found.features, 12);
    const similarities = similarity.toArray();
    return Array.from(index.toArray(), (row, i) => ({ index: row, similarity: similarities[i].toFixed(3) }));
  });
}

/** The pictures on the canvases of a part of the page. */
async function picturesIn(page: Page, selector: string): Promise<RawImage[]> {
  const drawn = await page.evaluate(
    (wanted) =>
      [...document.querySelectorAll<HTMLCanvasElement>(`${wanted} canvas`)].map((canvas) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
        return { width, height, data: [...data].filter((_, i) => i % 4 < 3) };
      }),
    selector,
  );
  return drawn.map(({ width, height, data }) => ({ width, height, channels: 3, data: Uint8Array.from(data) }));
}

/** How many different colours a picture has. */
const colorsOf = ({ data }: RawImage) =>
  new Set(
    Array.from({ length: data.length / 3 }, (_, i) => (data[3 * i] << 16) | (data[3 * i + 1] << 8) | data[3 * i + 2]),
  ).size;

/** The greatest difference of two pictures in any number. */
function greatestDifference(a: RawImage, b: RawImage): number {
  assert.equal([a.width, a.height, a.data.length], [b.width, b.height, b.data.length]);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0);
}

/** Waits until the thumbnails of the neighbours are drawn, and holds them to the images of the bank. */
async function expectThumbnails(page: Page, folder: string): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLCanvasElement>("#nearest canvas")].every((canvas) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value > 0);
    }),
  );
  const [bank, drawn] = [await bankOf(folder), await picturesIn(page, "#nearest")];
  const { side } = contentOf(folder).bank.thumbnails;
  for (const [place, { index }] of (await shownNeighbors(page)).entries()) {
    const [square] = centerSquares([await bank.read(index)], side);
    assert.is(greatestDifference(drawn[place], square), 0, `image ${index}`);
  }
}

/** Holds the maps that the page has drawn to those that the library lays over the same picture. */
async function expectMaps(page: Page, folder: string, name: string): Promise<void> {
  const [plain, ...drawn] = await picturesIn(page, "#maps");
  const encoder = await loadEncoder(join(folder, "networks", `${name}.poa`));
  const { maps, grid } = encoder.attention(dropped);
  const { family } = encoder.spec;
  encoder.dispose();
  const shown = family === "vit" && maps.length > 1 ? [meanMap(maps), ...maps] : maps;
  assert.is(drawn.length, shown.length);
  for (const [place, map] of shown.entries()) {
    // A map whose values differ little more than their rounding may differ by a step of the colours.
    assert.ok(greatestDifference(drawn[place], overlay(plain, map, grid)) <= 2, `${name}: map ${place}`);
    assert.ok(colorsOf(drawn[place]) > 100);
  }
  assert.is(await page.textContent("#maps-note"), attentionCaption({ family, name }, grid, maps.length));
}

async function withPage(
  instead: Instead,
  body: (browser: Browser, url: string, folder: string) => Promise<void>,
  family: Family = "vit",
) {
  const folder = await showcaseFolder(family);
  const server = await serveFolder(folder, { instead });
  try {
    await withBrowser((browser) => body(browser, `${server.origin}/`, folder));
  } finally {
    server.close();
  }
}

await init();

/** What every family shows of a dropped image. */
async function expectLook(browser: Browser, url: string, folder: string): Promise<void> {
  const { page, complaints, asked } = await openPage(browser, url);
  await settled(page);
  const [before] = await picturesIn(page, "#maps");
  await drop(page, "square.png", "image/png", pngOf(dropped));
  await page.waitForSelector('[aria-label="square.png"][aria-pressed="true"]');
  await settled(page);
  assert.ok(greatestDifference((await picturesIn(page, "#maps"))[0], before) > 50, "another image is seen now");
  for (const { name } of contentOf(folder).networks) {
    await page.getByLabel(name, { exact: true }).check();
    await page.waitForFunction((wanted) => document.querySelector("#maps-note")?.textContent?.includes(wanted), name);
    await settled(page);
    assert.equal(await shownNeighbors(page), await expectedNeighbors(folder, name));
    await expectThumbnails(page, folder);
    await expectMaps(page, folder, name);
    await shoot(page, `showcase-${name}`);
  }
  assert.equal(complaints, []);
  assert.ok(
    asked.every((address) => address.startsWith(url) || address.startsWith("data:")),
    `${asked}`,
  );
}

for (const family of families) {
  inBrowser(`${family}: a dropped image finds the neighbours, and has the maps, that the library finds`, async () => {
    await withPage(AS_IT_IS, expectLook, family);
  });
}

inBrowser(
  "on a phone and a desktop, in light and dark: neighbours, attention and times are there, and fit",
  async () => {
    await withPage(AS_IT_IS, async (browser, url) => {
      for (const scheme of ["light", "dark"] as const) {
        for (const size of ["phone", "desktop"] as const) {
          const { page, complaints } = await openPage(browser, url, { scheme, size });
          await settled(page);
          await page.getByText("Measure all").click();
          await page.waitForFunction(() =>
            [...document.querySelectorAll(".latency .time")].every((cell) => /^[\d.]+\s?ms$/.test(cell.textContent!)),
          );
          const colors = (await picturesIn(page, "#maps")).map(colorsOf);
          assert.is(colors.length, 4, "the image, the mean, two heads");
          for (const count of colors) assert.ok(count > 100, `${colors} colours`);
          assert.is((await page.$$("#nearest figure")).length, 12);
          assert.match((await page.textContent("#votes"))!, /(left|right)\d+ %/);
          const overhang = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overhang <= 0, `the page is ${overhang} pixels wider than a ${size}`);
          assert.equal(complaints, []);
          await shoot(page, `showcase-${size}-${scheme}`);
        }
      }
    });
  },
);

inBrowser("what goes wrong is told on the page in plain words", async () => {
  await withPage(without("16x2.poa"), async (browser, url, folder) => {
    const { page } = await openPage(browser, url);
    const problem = page.locator("#problem");
    await problem.filter({ hasText: /16x2\.poa cannot be loaded: the server answers 404/ }).waitFor();
    await page.getByLabel("8x1").check();
    await settled(page);
    assert.not.ok(await problem.isVisible());
    await drop(page, "notes.txt", "text/plain", Uint8Array.of(1, 2, 3));
    await problem.filter({ hasText: "notes.txt is no image that this browser can read." }).waitFor();
    const file = await openPage(browser, pathToFileURL(join(folder, "index.html")).href);
    await file.page.getByText(/Browsers load no modules from files\. Serve this folder/).waitFor();
  });
  await withPage(without("main.js"), async (browser, url) => {
    const { page } = await openPage(browser, url);
    await page.getByText(/modules of this page cannot be loaded/).waitFor();
  });
});

inBrowser("a browser without SIMD is told so", async () => {
  const worker = readFileSync(new URL("../../../src/report/showcase/client/worker.js", import.meta.url), "utf8");
  const without = `
    WebAssembly.validate = () => false;
    WebAssembly.Module = class {
      constructor({ byteLength }) {
        if (byteLength > 8) throw new WebAssembly.CompileError("Invalid opcode 0xfd"); // the empty module has no SIMD
      }
    };`;
  const instead: Instead = (url) => (url.endsWith("/worker.js") ? worker + without : undefined);
  await withPage(instead, async (browser, url) => {
    const { page } = await openPage(browser, url);
    await page.locator("#problem").filter({ hasText: /SIMD/ }).waitFor();
  });
});
