import { withPage } from "../support/browser.js";
import { isolation, serveModules } from "../support/module-server.js";
import type { Conformance } from "./conformance.js";
import type { HostRun } from "./host.js";

/** Where in a browser the suite runs. */
export interface ChromiumSetting {
  readonly where: "page" | "worker";
  /** Whether the server's headers isolate the page, so that threads may share memory. */
  readonly isolated: boolean;
}

export const chromiumSettings: readonly ChromiumSetting[] = [false, true].flatMap((isolated) =>
  (["page", "worker"] as const).map((where) => ({ where, isolated })),
);

/** Runs the suite in a page of its own browser. */
export async function inChromium({ where, isolated }: ChromiumSetting): Promise<HostRun> {
  const server = await serveModules({ headers: isolated ? isolation : {} });
  return withPage(server, "/", async (page) => {
    const found = await page.evaluate(where === "page" ? onPage : inWorker);
    return { version: page.context().browser()!.version().split(".")[0], found };
  });
}

async function onPage(): Promise<Conformance> {
  const address = "/dist/test/hosts/conformance.js";
  return (await import(address)).conformance();
}

function inWorker(): Promise<Conformance> {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/dist/test/hosts/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => (typeof data === "string" ? reject(new Error(data)) : resolve(data));
    worker.onerror = ({ message }) => reject(new Error(message || "the worker could not be loaded"));
  });
}
