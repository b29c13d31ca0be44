import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { init } from "../../src/runtime/context.js";
import { inBrowser, withPage } from "../support/browser.js";
import { noiseImage } from "../support/image-bytes.js";
import { serveModules } from "../support/module-server.js";
import type { Answer } from "../support/serve.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { tinyResnet, tinySwin } from "../support/tiny-families.js";

await init();

const bundles = [tinyEncoder(), tinySwin(), tinyResnet()].map((encoder) => encoderBundle(encoder));
/** Bundles by number; `mislabelled` is one that the server takes for a page, `page` a page in place of one. */
function answer(path: string): Answer | undefined {
  const [, which] = /^\/(\d)\.poa$/.exec(path) ?? [];
  if (which) return { type: "application/octet-stream", body: bundles[Number(which)] };
  if (path === "/mislabelled.poa") return { type: "text/html", body: bundles[0] };
  return path === "/page.poa" ? { type: "text/html", body: "<!doctype html><title>Not found</title>" } : undefined;
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

interface Picture {
  readonly rgba: number[];
  readonly width: number;
  readonly height: number;
}

/** Runs in the page: the feature of one image by each bundle, or why there is none. */
async function inPage({ rgba, width, height, files }: Picture & { files: string[] }): Promise<(number[] | string)[]> {
  const address = "/dist/src/edge.js";
  const edge = (await import(address)) as EdgeModule;
  const pixels = new ImageData(Uint8ClampedArray.from(rgba), width, height);
  const features: (number[] | string)[] = [];
  for (const file of files) {
    try {
      const encoder = await edge.loadEncoder(file);
      features.push([...encoder.embed(pixels)]);
      encoder.dispose();
    } catch (error) {
      features.push((error as Error).message);
    }
  }
  return features;
}

/** What a page makes of the image with each file. */
async function embeddedInPage(files: string[]): Promise<(number[] | string)[]> {
  return withPage(await serveModules({ answer }), "/", (page) =>
    page.evaluate(inPage, { rgba: withAlpha(), width: image.width, height: image.height, files }),
  );
}

/** What the library makes of it. */
async function embeddedHere(bundle: Uint8Array): Promise<number[]> {
  const encoder = await loadEncoder(bundle);
  const feature = [...encoder.embed(image)];
  encoder.dispose();
  return feature;
}

inBrowser("a browser computes the features of the library, bit for bit, for every family", async () => {
  const features = await embeddedInPage(["0.poa", "1.poa", "2.poa"]);
  for (const [i, bundle] of bundles.entries()) assert.equal(features[i], await embeddedHere(bundle));
});

inBrowser("a bundle is read whatever the server calls it; a page in its place, or none, is told", async () => {
  const [mislabelled, page, missing] = await embeddedInPage(["mislabelled.poa", "page.poa", "missing.poa"]);
  assert.equal(mislabelled, await embeddedHere(bundles[0]));
  assert.match(String(page), /^page\.poa is not an edge bundle\. Make one with `poa export MODEL --format edge`\.$/);
  assert.match(String(missing), /^loadEncoder: missing\.poa cannot be read: the server answers 404/);
});
