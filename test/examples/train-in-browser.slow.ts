import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { encodePng } from "../../src/data/encode-png.js";
import { loadEncoder } from "../../src/edge.js";
import { inBrowser, withPage } from "../support/browser.js";
import { noiseImage } from "../support/image-bytes.js";
import { isolation, serveModules } from "../support/module-server.js";

interface WorkerMessage {
  readonly type: "started" | "step" | "stopping" | "finished" | "failed";
  readonly loss?: number;
  readonly steps?: number;
  readonly threads?: number;
  readonly stopped?: boolean;
  readonly message?: string;
}

/** What the page's worker says, in order; read by the tests below. */
declare global {
  var heard: WorkerMessage[];
}

/** Files as a person would drop them. */
const photos = Array.from({ length: 16 }, (_, i) => ({
  name: `${i}.png`,
  mimeType: "image/png",
  buffer: Buffer.from(encodePng(noiseImage({ width: 40 + i, height: 30 }))),
}));

/** Keeps a note of all that workers of the page say. Runs in the page, before its own scripts. */
function listen(): void {
  globalThis.heard = [];
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      this.addEventListener("message", ({ data }) => globalThis.heard.push(data));
    }
  };
}

const heardOn = (page: Page) =>
  page.evaluate(() =>
    globalThis.heard.map(({ type, loss, steps, threads, stopped }) => ({ type, loss, steps, threads, stopped })),
  );

async function onExample(isolated: boolean, use: (page: Page) => Promise<void>): Promise<void> {
  const server = await serveModules({ headers: isolated ? isolation : {} });
  await withPage(server, "/", async (page) => {
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    await page.addInitScript(listen);
    await page.goto(`${server.origin}/examples/train-in-browser/index.html`);
    await use(page);
    assert.equal(problems, []);
  });
}

const ends = (page: Page, pattern: RegExp) =>
  page.waitForFunction(
    (source) => new RegExp(source).test(document.getElementById("status")!.textContent!),
    pattern.source,
    {
      timeout: 90_000,
    },
  );

inBrowser(
  "a page trains in a worker to the end, on several threads where it is isolated, and its encoder can be loaded",
  () =>
    onExample(true, async (page) => {
      await page.click("#draw");
      await page.fill("#epochs", "3");
      await page.click("#start");
      await ends(page, /^Finished after 12 steps/);
      const heard = await heardOn(page);
      const steps = heard.filter(({ type }) => type === "step");
      assert.is(steps.length, 12);
      for (const { loss } of steps) assert.ok(Number.isFinite(loss));
      const started = heard.find(({ type }) => type === "started");
      assert.is(started?.threads, await page.evaluate(() => navigator.hardwareConcurrency));
      const [download] = await Promise.all([page.waitForEvent("download"), page.click("#result a")]);
      const encoder = await loadEncoder(readFileSync(await download.path()));
      assert.is(encoder.spec.width, 128);
    }),
);

inBrowser("a page that stops its worker gets no step more than the one that was running", () =>
  onExample(false, async (page) => {
    await page.setInputFiles("#files", photos);
    await page.waitForFunction(() => document.getElementById("status")?.textContent === "16 images.");
    await page.fill("#epochs", "1000");
    await page.click("#start");
    await page.waitForFunction(() => globalThis.heard.some(({ type }) => type === "step"), undefined, {
      timeout: 60_000,
    });
    await page.click("#stop");
    await ends(page, /^Stopped after \d+ steps, loss \d/);
    const types = (await heardOn(page)).map(({ type }) => type);
    const behind = types.slice(types.indexOf("stopping") + 1);
    assert.ok(behind.filter((type) => type === "step").length <= 1, behind.join(", "));
    assert.is(behind.at(-1), "finished");
    const last = (await heardOn(page)).at(-1);
    assert.is(last?.stopped, true);
    assert.is(last?.steps, types.filter((type) => type === "step").length);
  }),
);
