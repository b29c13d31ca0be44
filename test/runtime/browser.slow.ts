import * as assert from "uvu/assert";
import { inBrowser, withPage } from "../support/browser.js";
import { isolation, type ModuleServerOptions, serveModules } from "../support/module-server.js";

interface Started {
  /** Every number of a tensor filled with 2 was 2. */
  readonly computes?: boolean;
  readonly threads?: number;
  readonly threadsProblem?: string | null;
  readonly error?: string;
}

interface Library {
  init(options: object): Promise<{ threads: number; threadsProblem: string | null }>;
  full(shape: number[], value: number): { toArray(): Float32Array };
}

/** Runs in the page: starts the runtime and fills a tensor. */
async function inPage(options: object): Promise<Started> {
  try {
    const address = "/dist/src/index.js";
    const poa = (await import(address)) as Library;
    const { threads, threadsProblem } = await poa.init(options);
    const computes = poa
      .full([1 << 20], 2)
      .toArray()
      .every((value) => value === 2);
    return { computes, threads, threadsProblem };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

interface Page extends ModuleServerOptions {
  readonly options?: object;
}

/** What init(options) does in a page that is served with these headers. */
async function startedWith({ options = {}, ...served }: Page): Promise<Started> {
  return withPage(await serveModules(served), "/", (page) => page.evaluate(inPage, options));
}

const policy = (...more: string[]) => ({
  "content-security-policy": [`script-src 'self'${more[0] ?? ""}`, ...more.slice(1)].join("; "),
});

inBrowser("a page whose policy forbids WebAssembly is told what to allow, and computes once it does", async () => {
  const { error } = await startedWith({ headers: policy() });
  assert.match(String(error), /^init: this page may not compile WebAssembly \(.*Content Security Policy.*\)/i);
  assert.match(String(error), /script-src 'self' 'wasm-unsafe-eval'\.$/);
  assert.is((await startedWith({ headers: policy(" 'wasm-unsafe-eval'") })).computes, true);
});

inBrowser(
  "a page without shared memory computes on one thread and names the headers; an isolated one on two",
  async () => {
    const alone = await startedWith({ options: { threads: 2 } });
    assert.equal([alone.computes, alone.threads], [true, 1]);
    assert.match(String(alone.threadsProblem), /Cross-Origin-Opener-Policy: same-origin, Cross-Origin-Embedder-Policy/);
    const shared = await startedWith({ options: { threads: 2 }, headers: isolation });
    assert.equal(shared, { computes: true, threads: 2, threadsProblem: null });
  },
);

inBrowser("a page whose policy forbids workers computes on one thread and says why", async () => {
  const headers = { ...isolation, ...policy(" 'wasm-unsafe-eval'", "worker-src 'self'") };
  const { computes, threads, threadsProblem } = await startedWith({ options: { threads: 2 }, headers });
  assert.equal([computes, threads], [true, 1]);
  assert.match(String(threadsProblem), /could not be loaded/);
});

inBrowser("a file of kernels that is missing, or served as something else, is told with the way out", async () => {
  const relaxed = { options: { simd: "relaxed" } };
  assert.is((await startedWith(relaxed)).computes, true);
  for (const body of [null, { type: "text/html", body: "<!doctype html>" }]) {
    const answer = (path: string) => (path.endsWith("kernels-relaxed.js") ? body : undefined);
    const { error } = await startedWith({ ...relaxed, answer });
    assert.match(
      String(error),
      /^init: the relaxed kernels cannot be loaded \(.*\)\. Serve or install all files of poa/,
    );
  }
});
