import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { init } from "../../src/runtime/context.js";
import { browserPath, startBrowser } from "../support/browser.js";
import { noiseImage } from "../support/image-bytes.js";
import { leaveOut, test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const bundles = [tinyEncoder(), tinySwin(), tinyResnet()].map((encoder) => encoderBundle(encoder));
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A page without a bundler: modules as they were compiled, and the one package that they name. */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="importmap">
{ "imports": { "@assemblyscript/loader": "/node_modules/@assemblyscript/loader/index.js" } }
</script>`;

/** What the page may ask for. */
function answerTo(path: string): { type: string; body: string | Uint8Array } | null {
  const [, which] = /^\/(\d)\.poa$/.exec(path) ?? [];
  if (which) return { type: "application/octet-stream", body: bundles[Number(which)] };
  if (path === "/") return { type: "text/html", body: PAGE };
  if (!/^\/(dist\/src|node_modules\/@assemblyscript)\/[\w/.-]+\.js$/.test(path) || path.includes("..")) return null;
  return { type: "text/javascript", body: readFileSync(join(root, path)) };
}

async function served(): Promise<{ server: Server; origin: string }> {
  const server = createServer(({ url = "" }, response) => {
    const answer = answerTo(url);
    response.writeHead(answer ? 200 : 404, answer ? { "content-type": answer.type } : {}).end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const image = noiseImage({ width: 40, height: 30 });

/** The same image with alpha, as a canvas has it. */
function withAlpha(): number[] {
  return Array.from({ length: (4 * image.data.length) / 3 }, (_, i) =>
    i % 4 === 3 ? 255 : image.data[3 * Math.floor(i / 4) + (i % 4)],
  );
}

interface EdgeModule {
  loadEncoder(source: string): Promise<{ embed(image: ImageData): Float32Array; dispose(): void }>;
}

/** Runs in the page: the features of one image by each bundle. */
async function inPage({ rgba, width, height }: { rgba: number[]; width: number; height: number }): Promise<number[][]> {
  const address = "/dist/src/edge.js";
  const edge = (await import(address)) as EdgeModule;
  const pixels = new ImageData(Uint8ClampedArray.from(rgba), width, height);
  const features: number[][] = [];
  for (const bundle of ["0.poa", "1.poa", "2.poa"]) {
    const encoder = await edge.loadEncoder(bundle);
    features.push([...encoder.embed(pixels)]);
    encoder.dispose();
  }
  return features;
}

if (browserPath === undefined) leaveOut("a browser computes the features of the library", "this host has no Chromium");
else {
  const path = browserPath;
  test(
    "a browser computes the features of the library, bit for bit, for every family",
    async () => {
      const { server, origin } = await served();
      const browser = await startBrowser(path);
      try {
        const page = await browser.newPage();
        await page.goto(origin);
        const features = await page.evaluate(inPage, { rgba: withAlpha(), width: image.width, height: image.height });
        for (const [i, bundle] of bundles.entries()) {
          const encoder = await loadEncoder(bundle);
          assert.equal(features[i], [...encoder.embed(image)]);
          encoder.dispose();
        }
      } finally {
        await browser.close();
        server.close();
      }
    },
    { timeoutMs: 120_000 },
  );
}
