import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import * as assert from "uvu/assert";
import { step } from "../../../src/autograd/tape.js";
import { openSource } from "../../../src/data/source-spec.js";
import { extractFeatures } from "../../../src/eval/features.js";
import { readEncoder } from "../../../src/export/encoder-file.js";
import { nearestRows } from "../../../src/ops/nearest.js";
import type { ShowcaseContent } from "../../../src/report/showcase/content.js";
import { init } from "../../../src/runtime/context.js";
import { inBrowser, withBrowser } from "../../support/browser.js";
import { openPage, shoot } from "../../support/page-view.js";
import { expectCode, pngOf, tinyPretrain, workshop } from "../../support/program.js";
import { type FolderServerOptions, serveFolder } from "../../support/serve.js";
import { squareImage } from "../../support/square-run.js";

/** Larger than what the networks see. */
const dropped = squareImage(3, { side: 40 });

let made: Promise<string> | null = null;

/** The folder of a showcase of a tiny run. */
function showcaseFolder(): Promise<string> {
  made ??= makeShowcase();
  return made;
}

async function makeShowcase(): Promise<string> {
  const cwd = workshop();
  await expectCode(0, tinyPretrain, { cwd });
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

/** What the library finds for the dropped image in the bank of the page. */
async function expectedNeighbors(folder: string, name: string) {
  const json = /id="content">(.*)<\/script>/.exec(readFileSync(join(folder, "index.html"), "utf8"))![1];
  const { bank } = JSON.parse(json) as ShowcaseContent;
  const encoder = readEncoder(join(folder, "networks", `${name}.poa`));
  const all = await openSource(join(folder, "..", "images"));
  const held = new Set([2, 6, 10, 14]); // the samples, spread evenly over 16
  const rest = Array.from({ length: 16 }, (_, i) => i).filter((i) => !held.has(i));
  assert.is(bank.count, rest.length);
  const source = { ...all, length: rest.length, labels: null, read: (i: number) => all.read(rest[i]) };
  const found = await extractFeatures(source, encoder);
  const query = { ...source, length: 1, read: () => dropped };
  const asked = await extractFeatures(query, encoder);
  return step(() => {
    const { index, similarity } = nearestRows(asked.features, found.features, 12);
    const similarities = similarity.toArray();
    return Array.from(index.toArray(), (row, i) => ({ index: row, similarity: similarities[i].toFixed(3) }));
  });
}

/** How many different colours each map has. */
function mapColors(page: Page): Promise<number[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLCanvasElement>("#maps canvas")].map((canvas) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    }),
  );
}

async function withPage(instead: Instead, body: (browser: Browser, url: string, folder: string) => Promise<void>) {
  const folder = await showcaseFolder();
  const server = await serveFolder(folder, { instead });
  try {
    await withBrowser((browser) => body(browser, `${server.origin}/`, folder));
  } finally {
    server.close();
  }
}

await init();

inBrowser("a dropped image finds the neighbours that the library finds, by every network that is chosen", async () => {
  await withPage(AS_IT_IS, async (browser, url, folder) => {
    const { page, complaints, asked } = await openPage(browser, url);
    await settled(page);
    await drop(page, "square.png", "image/png", pngOf(dropped));
    await page.waitForSelector('[aria-label="square.png"][aria-pressed="true"]');
    for (const name of ["16x2", "8x1"]) {
      await page.getByLabel(name).check();
      await page.waitForFunction((wanted) => document.querySelector("#maps-note")?.textContent?.includes(wanted), name);
      await settled(page);
      assert.equal(await shownNeighbors(page), await expectedNeighbors(folder, name));
    }
    assert.equal(complaints, []);
    assert.ok(
      asked.every((address) => address.startsWith(url) || address.startsWith("data:")),
      `${asked}`,
    );
  });
});

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
          const colors = await mapColors(page);
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
