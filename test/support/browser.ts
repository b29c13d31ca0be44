import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import type { TestServer } from "./serve.js";
import { leaveOut, test } from "./test.js";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** A browser of this host; undefined if it has none. */
export const browserPath: string | undefined = (process.env.PATH ?? "")
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** Registers a test that needs a browser. */
export const inBrowser: typeof test = browserPath
  ? (name, fn, options = { timeoutMs: 120_000 }) => test(name, fn, options)
  : (name) => leaveOut(name, "there is no chromium on the PATH");

/** Starts it, without windows and without calls home, and ends it after its use. */
export async function withBrowser<T>(use: (browser: Browser) => Promise<T>): Promise<T> {
  const browser = await startBrowser();
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** Opens an address of a server in a browser of its own, and ends both after its use. */
export async function withPage<T>(server: TestServer, path: string, use: (page: Page) => Promise<T>): Promise<T> {
  try {
    return await withBrowser(async (browser) => {
      const page = await browser.newPage();
      await page.goto(server.origin + path);
      return await use(page);
    });
  } finally {
    server.close();
  }
}

function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath,
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
}
