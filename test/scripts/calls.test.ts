import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { script } from "../support/script.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

interface Calls {
  readonly failures: readonly Error[];
  once(
    name: string,
    args: readonly string[],
    options?: { of?: string; before?: () => void },
  ): Promise<Readonly<Record<string, unknown>>>;
  stop(): void;
}

const { Calls } = await script<{
  Calls: new (options: { data: string; jobs: number; root: string }) => Calls;
}>("calls.mjs");

const opened = (root: string, jobs = 2) => new Calls({ data: root, jobs, root });
const list = ["subnets", "list", "demo"];
const failing = ["eval", "knn", "no such run", "--data", "mnist"];

/** Runs `fn` without what calls say on stderr. @returns what they said */
async function quietly(fn: () => Promise<unknown>): Promise<string> {
  const said: string[] = [];
  const { error } = console;
  console.error = (text: string) => said.push(text);
  try {
    await fn();
  } finally {
    console.error = error;
  }
  return said.join("\n");
}

test("a call is made once for its file, and again when it is another call or about something else", async () => {
  const root = tempFolder();
  let made = 0;
  const ask = (args: readonly string[], of: string) =>
    opened(root).once("nets/list", args, { of, before: () => made++ });
  const said = await quietly(async () => {
    const first = await ask(list, "a");
    assert.equal(await ask(list, "a"), first);
    assert.is(made, 1);
    await ask(list, "b");
    assert.is(made, 2);
    await ask([...list, "--threads", "1"], "b");
    assert.is(made, 3);
    writeFileSync(join(root, "nets/list.json"), JSON.stringify({ ...first, call: "poa other" }));
    await ask(list, "b");
    assert.is(made, 4);
  });
  assert.is(said.match(/ s {2}poa subnets list demo/g)!.length, 4);
  const { call, of, seconds } = JSON.parse(readFileSync(join(root, "nets/list.json"), "utf8"));
  assert.equal([call, of, seconds > 0], ["poa subnets list demo", "b", true]);
});

test("whoever asks for the same file at the same time waits for the same call", async () => {
  const calls = opened(tempFolder());
  let made = 0;
  await quietly(() => Promise.all([1, 2, 3].map(() => calls.once("list", list, { before: () => made++ }))));
  assert.is(made, 1);
});

test("a call that fails is told as it would be typed, with its reason, and leaves the others alone", async () => {
  const root = tempFolder();
  const calls = opened(root, 1);
  const outcomes: PromiseSettledResult<unknown>[] = [];
  const said = await quietly(async () => {
    outcomes.push(...(await Promise.allSettled([calls.once("bad", failing), calls.once("good", list)])));
  });
  assert.equal(
    outcomes.map(({ status }) => status),
    ["rejected", "fulfilled"],
  );
  assert.is(calls.failures.length, 1);
  assert.match(calls.failures[0].message, /^poa eval knn 'no such run' --data mnist\n.*no such run is not there/s);
  assert.match(said, /^failed {3}poa eval knn 'no such run'/m);
  assert.equal([existsSync(join(root, "bad.json")), existsSync(join(root, "good.json"))], [false, true]);
});

test("stopped calls are no failures, and none is made any more", async () => {
  const calls = opened(tempFolder(), 1);
  const said = await quietly(async () => {
    const asked = [calls.once("one", list), calls.once("two", ["subnets", "list", "vit-tiny"])];
    setTimeout(() => calls.stop(), 20);
    assert.ok((await Promise.allSettled(asked)).every(({ status }) => status === "rejected"));
  });
  assert.equal([calls.failures.length, said], [0, ""]);
});
