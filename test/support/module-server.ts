import { readFileSync } from "node:fs";
import { createServer, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
};

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

/** A running server of this checkout's files. */
export interface ModuleServer {
  readonly origin: string;
  close(): void;
}

/** What lets threads of a page share memory. */
export const isolation: OutgoingHttpHeaders = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** Serves pages and modules as they are, but for the names of packages in imports, on which browsers' workers would fail. */
export async function serveModules(headers: OutgoingHttpHeaders = {}): Promise<ModuleServer> {
  const server = createServer(({ url = "/" }, response) => {
    const body = bodyOf(new URL(url, "http://127.0.0.1").pathname);
    const type = types[extname(url)] ?? types[".html"];
    response.writeHead(body === null ? 404 : 200, { ...headers, "content-type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function bodyOf(path: string): string | null {
  if (path === "/") return "<!doctype html><meta charset=utf-8><title>poa</title>";
  if (!/^\/(dist|examples|node_modules\/@assemblyscript)\/[\w/.-]+\.(js|html|css)$/.test(path) || path.includes(".."))
    return null;
  const text = readFileSync(join(root, path), "utf8");
  if (!path.endsWith(".js")) return text;
  return text.replace(/(\bfrom |\bimport\()"([^"./][^"]*)"/g, (whole, before, name) =>
    addresses.has(name) ? `${before}"${addresses.get(name)}"` : whole,
  );
}
