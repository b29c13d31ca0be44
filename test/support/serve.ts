import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

/** What a server gives for a path. */
export interface Answer {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** A running server of this host. */
export interface TestServer {
  readonly origin: string;
  close(): void;
}

/**
 * Serves what a function answers, on this host and a port of its own.
 *
 * @param answer  null for a path where nothing is
 * @param headers  sent with everything
 */
export async function serve(
  answer: (path: string) => Answer | null,
  headers: OutgoingHttpHeaders = {},
): Promise<TestServer> {
  const server = createServer(({ url = "/" }, response) => {
    const found = answer(decodeURI(new URL(url, "http://127.0.0.1").pathname));
    response.writeHead(found ? 200 : 404, { ...headers, ...(found && { "content-type": found.type }) });
    response.end(found?.body);
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

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".png": "image/png" };

export interface FolderServerOptions {
  readonly headers?: OutgoingHttpHeaders;
  /** What is given instead of a file; undefined for the file itself, null for 404. */
  readonly instead?: (path: string) => string | null | undefined;
}

/** Serves the files of a folder and nothing else, as static hosts do. */
export function serveFolder(folder: string, { headers, instead }: FolderServerOptions = {}): Promise<TestServer> {
  return serve((path) => {
    const file = join(folder, path === "/" ? "index.html" : path);
    const type = types[extname(file)] ?? "application/octet-stream";
    const given = instead?.(path);
    if (given !== undefined) return given === null ? null : { type, body: given };
    return existsSync(file) && statSync(file).isFile() ? { type, body: readFileSync(file) } : null;
  }, headers);
}
