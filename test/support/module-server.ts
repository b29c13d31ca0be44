import { readFileSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, serve, type TestServer } from "./serve.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
};

const EMPTY_PAGE: Answer = { type: types[".html"], body: "<!doctype html><meta charset=utf-8><title>poa</title>" };

/** Where the names of packages lead, as a bundler or a development server finds out from their package.json. */
const addresses = new Map<string, string>([
  ["@assemblyscript/loader", "/node_modules/@assemblyscript/loader/index.js"],
  ...ownEntries(),
]);

function ownEntries(): [string, string][] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.entries(exports as Record<string, string | { default: string }>).flatMap(([entry, target]) =>
    typeof target === "string" ? [] : [[`poa${entry.slice(1)}`, target.default.slice(1)] as [string, string]],
  );
}

/** What lets threads of a page share memory. */
export const isolation: OutgoingHttpHeaders = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

export interface ModuleServerOptions {
  /** Sent with everything. */
  readonly headers?: OutgoingHttpHeaders;
  /** Comes first; undefined leaves a path to the checkout, null is 404. */
  readonly answer?: (path: string) => Answer | null | undefined;
}

/**
 * Serves an empty page, and pages and modules of this checkout as they are, but for the names of packages in imports, on which
 * browsers' workers would fail.
 */
export function serveModules({ headers, answer = () => undefined }: ModuleServerOptions = {}): Promise<TestServer> {
  return serve((path) => {
    const own = answer(path);
    return own === undefined ? ofCheckout(path) : own;
  }, headers);
}

function ofCheckout(path: string): Answer | null {
  if (path === "/") return EMPTY_PAGE;
  if (!/^\/(dist|examples|node_modules\/@assemblyscript)\/[\w/.-]+\.(js|html|css)$/.test(path) || path.includes(".."))
    return null;
  const text = readFileSync(join(root, path), "utf8");
  const type = types[extname(path)];
  if (!path.endsWith(".js")) return { type, body: text };
  const body = text.replace(/(\bfrom |\bimport\()"([^"./][^"]*)"/g, (whole, before, name) =>
    addresses.has(name) ? `${before}"${addresses.get(name)}"` : whole,
  );
  return { type, body };
}
