import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";

/** Where pictures of pages are left for people, if it is set. */
const SHOTS = process.env.POA_SCREENSHOTS;

const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };

/** How somebody looks at a page. */
export interface View {
  readonly scheme: "light" | "dark";
  readonly size: keyof typeof sizes;
}

export interface OpenedPage {
  readonly page: Page;
  /** What the page complained about. */
  readonly complaints: string[];
  /** Addresses that it asked for. */
  readonly asked: string[];
}

/** Opens an address, and collects what the page complains about and whom it asks. */
export async function openPage(
  browser: Browser,
  url: string,
  { scheme, size }: View = { scheme: "light", size: "desktop" },
): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme: scheme, deviceScaleFactor: 2 });
  const page = await context.newPage();
  const [complaints, asked]: [string[], string[]] = [[], []];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, complaints, asked };
}

/** Leaves a picture of the whole page, if pictures are wanted. */
export async function shoot(page: Page, name: string): Promise<void> {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}
