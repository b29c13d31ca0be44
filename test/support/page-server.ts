import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

export interface Answer {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** A nonce that allows the page's one inline script under a policy of its own. */
export const PAGE_NONCE = "page";

/** A page without a bundler: modules as they were compiled, and the one package that they name. */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="importmap" nonce="${PAGE_NONCE}">
{ "imports": { "@assemblyscript/loader": "/node_modules/@assemblyscript/loader/index.js" } }
</script>`;

/** What the page may ask for. */
function libraryFile(path: string): Answer | null {
  if (path === "/") return { type: "text/html", body: PAGE };
  if (!/^\/(dist\/src|node_modules\/@assemblyscript)\/[\w/.-]+\.js$/.test(path) || path.includes("..")) return null;
  return { type: "text/javascript", body: readFileSync(join(root, path)) };
}

export interface ModuleServer {
  readonly origin: string;
  close(): void;
}

/**
 * Serves an empty page and the compiled library on this host.
 *
 * @param options.headers  sent with everything
 * @param options.answer  comes first; undefined leaves a path to the library, null is 404
 */
export async function serveModules({
  headers = {},
  answer = () => undefined,
}: {
  headers?: Readonly<Record<string, string>>;
  answer?: (path: string) => Answer | null | undefined;
} = {}): Promise<ModuleServer> {
  const server = createServer(({ url = "" }, response) => {
    const own = answer(url);
    const found = own === undefined ? libraryFile(url) : own;
    response.writeHead(found ? 200 : 404, { ...headers, ...(found && { "content-type": found.type }) });
    response.end(found?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close: () => void server.close() };
}
