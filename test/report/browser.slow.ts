import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import * as assert from "uvu/assert";
import { Dashboard } from "../../src/report/dashboard.js";
import { inBrowser, withBrowser } from "../support/browser.js";
import { openPage, shoot } from "../support/page-view.js";
import { expectCode, tinyPretrain, workshop } from "../support/program.js";
import { append, metricsLine, rankFile, recordOf, writtenRun } from "../support/run-files.js";

const evaluations = [2, 5, 7]
  .map((iteration) => {
    const knn = { 10: 0.4 + iteration / 50, 20: 0.42 + iteration / 50 };
    return `${JSON.stringify({ iteration, elapsedMinutes: iteration, knn, featureStd: 0.1, lossOverLnK: 0.9 })}\n`;
  })
  .join("");

let made: Promise<string> | null = null;

/** Address of the report of a small run, with everything that a page can have. */
function smallReport(): Promise<string> {
  made ??= makeReport();
  return made;
}

async function makeReport(): Promise<string> {
  const cwd = workshop();
  await expectCode(0, tinyPretrain, { cwd });
  writeFileSync(join(cwd, "run", "evaluations.jsonl"), evaluations);
  writeFileSync(join(cwd, "run", "rank.json"), JSON.stringify(rankFile));
  await expectCode(0, ["report", "run", "--data", "images", "--out", "report.html"], { cwd });
  return pathToFileURL(join(cwd, "report.html")).href;
}

/** For each chart the share of its pixels that have the colour of its first or second series; one may hide the other. */
function drawnShares(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const style = getComputedStyle(document.documentElement);
    const colors = ["--series-0", "--series-1"].map((name) => {
      const hex = style.getPropertyValue(name).trim();
      return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
    });
    const shares: Record<string, number> = {};
    for (const figure of document.querySelectorAll<HTMLElement>("[data-chart]")) {
      const canvas = figure.querySelector("canvas");
      const pixels = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      let count = 0;
      for (let i = 0; i < pixels.length; i += 4) {
        const near = colors.some((color) => color.every((value, c) => Math.abs(pixels[i + c] - value) < 24));
        if (near && pixels[i + 3] > 200) count++;
      }
      shares[figure.dataset.chart!] = count / Math.max(1, pixels.length / 4);
    }
    return shares;
  });
}

function assertDrawn(shares: Readonly<Record<string, number>>, least: number): void {
  const charts = Object.entries(shares);
  assert.ok(charts.length >= least, `${charts.length} charts`);
  for (const [id, share] of charts) assert.ok(share > 0.0002, `${id}: ${share} of the canvas is drawn`);
}

inBrowser("a report draws every chart on a phone and a desktop, in light and dark, without a complaint", async () => {
  const report = await smallReport();
  await withBrowser(async (browser) => {
    for (const scheme of ["light", "dark"] as const) {
      for (const size of ["phone", "desktop"] as const) {
        const { page, complaints, asked } = await openPage(browser, report, { scheme, size });
        assertDrawn(await drawnShares(page), 14);
        const pictures = await page.evaluate(() => [...document.images].map(({ naturalWidth }) => naturalWidth));
        assert.is(pictures.length, 4);
        assert.ok(pictures.every((width) => width > 0));
        const overhang = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overhang <= 0, `the page is ${overhang} pixels wider than a ${size}`);
        assert.equal(complaints, []);
        assert.equal(
          asked.filter((url) => !url.startsWith("data:")),
          [report],
        );
        await shoot(page, `report-${size}-${scheme}`);
      }
    }
  });
});

inBrowser(
  "charts take the colours of the other scheme when that changes, and the width of a window that is turned",
  async () => {
    const report = await smallReport();
    await withBrowser(async (browser) => {
      const { page, complaints } = await openPage(browser, report, { scheme: "light", size: "phone" });
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 844, height: 390 });
      await page.waitForFunction(() => {
        const plots = [...document.querySelectorAll<HTMLElement>(".plot")];
        return plots.every((plot) => plot.querySelector<HTMLElement>(".u-wrap")!.offsetWidth === plot.clientWidth);
      });
      assertDrawn(await drawnShares(page), 14);
      assert.equal(complaints, []);
    });
  },
);

inBrowser("a dashboard that is opened before the first step fills itself and follows the run", async () => {
  const path = writtenRun({ steps: 0 });
  const dashboard = await Dashboard.start(recordOf(path), { port: 0 });
  try {
    await withBrowser(async (browser) => {
      const { page, complaints } = await openPage(browser, dashboard.url, { scheme: "light", size: "desktop" });
      assert.equal(await drawnShares(page), {});
      for (const iteration of [0, 1, 2]) append(path, "metrics.jsonl", `${metricsLine(iteration)}\n`);
      await page.waitForSelector("[data-chart] canvas");
      await page.getByText("Configuration, complete").click();
      append(path, "metrics.jsonl", `${metricsLine(3)}\n${metricsLine(4).slice(0, 9)}`);
      await page.getByText("of 8, 50.0 %").waitFor();
      assertDrawn(await drawnShares(page), 9);
      assert.ok(
        await page
          .locator("#run details")
          .last()
          .evaluate((details) => (details as HTMLDetailsElement).open),
      );
      assert.equal(complaints, []);
      await shoot(page, "dashboard");
    });
  } finally {
    await dashboard.close();
  }
});
