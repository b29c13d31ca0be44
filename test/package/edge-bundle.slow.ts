import * as assert from "uvu/assert";
import { loadEncoder } from "../../src/edge.js";
import { encoderBundle } from "../../src/export/encoder-bundle.js";
import { init } from "../../src/runtime/context.js";
import { inBrowser, withPage } from "../support/browser.js";
import { noiseImage } from "../support/image-bytes.js";
import { type Answer, serve } from "../support/serve.js";
import { tinyEncoder } from "../support/tiny-encoder.js";
import { bundled } from "./edge-bundle.js";

await init();
const encoder = encoderBundle(tinyEncoder());
const image = noiseImage({ width: 40, height: 30 });

/** Runs in the page as its only script. */
const PROGRAM = `
import { loadEncoder } from "poa/edge";

const evaluates = () => { try { return new Function("return true")(); } catch { return false; } };

async function run() {
  const { data, width, height } = await (await fetch("image.json")).json();
  const encoder = await loadEncoder("encoder.poa", { simd: location.hash.slice(1) || "plain" });
  return [...encoder.embed(Uint8ClampedArray.from(data), width, height)];
}

globalThis.outcome = run().then((feature) => ({ evaluates: evaluates(), feature }), (error) => ({ error: error.message }));
`;

interface Outcome {
  readonly evaluates?: boolean;
  readonly feature?: number[];
  readonly error?: string;
}

/** What a page made of the bundled program, which may do only what its policy allows. */
async function inPageWith(scripts: string, hash = ""): Promise<Outcome> {
  const { files } = await bundled(PROGRAM, { splitting: true });
  const { data, width, height } = image;
  const served = new Map<string, Answer>([
    [
      "/",
      {
        type: "text/html",
        body: '<!doctype html><meta charset="utf-8"><script type="module" src="main.js"></script>',
      },
    ],
    ["/image.json", { type: "application/json", body: JSON.stringify({ data: [...data], width, height }) }],
    ["/encoder.poa", { type: "application/octet-stream", body: encoder }],
  ]);
  for (const [name, body] of files) served.set(`/${name}`, { type: "text/javascript", body });
  const policy = `default-src 'none'; connect-src 'self'; script-src ${scripts}`;
  const server = await serve((path) => served.get(path) ?? null, { "content-security-policy": policy });
  return withPage(server, `/${hash}`, (page) =>
    page.evaluate(() => (globalThis as unknown as { outcome: Promise<Outcome> }).outcome),
  );
}

inBrowser(
  "a bundled page that may compile WebAssembly and evaluate no text computes the library's feature",
  async () => {
    const own = (await loadEncoder(encoder)).embed(image);
    const { evaluates, feature, error } = await inPageWith("'self' 'wasm-unsafe-eval'");
    assert.is(error, undefined);
    assert.is(evaluates, false, "the policy is in force");
    assert.equal(feature, [...own]);
  },
);

inBrowser("the relaxed kernels come from their own file when they are asked for", async () => {
  const own = (await loadEncoder(encoder)).embed(image);
  const { feature = [], error } = await inPageWith("'self' 'wasm-unsafe-eval'", "#relaxed");
  assert.is(error, undefined);
  assert.ok(feature.length === own.length && feature.every((x, i) => Math.abs(x - own[i]) < 1e-4));
});

inBrowser("a page that may not compile WebAssembly is told so", async () => {
  assert.match(String((await inPageWith("'self'")).error), /^init: this page may not compile WebAssembly/);
});
