import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { loadConfig, parseConfigFile } from "../../src/cli/config-file.js";
import { ConfigError } from "../../src/errors.js";
import { resolveConfig } from "../../src/poa/config.js";
import { InvalidConfigError } from "../../src/poa/config-problem.js";
import { test } from "../support/test.js";

const fixtures = fileURLToPath(new URL("../../../test/fixtures/config/", import.meta.url));

/** Where and what each problem of a text is, one "line:column: message" per problem. */
function complaints(text: string, overrides: readonly string[] = []): string[] {
  return errorOf(text, overrides)
    .message.split("\n")
    .filter((line) => /^(c\.yaml|command line)/.test(line))
    .map((line) => line.replace(/^c\.yaml:/, ""));
}

function errorOf(text: string, overrides: readonly string[] = []): InvalidConfigError {
  try {
    parseConfigFile(text, { file: "c.yaml", overrides });
  } catch (error) {
    if (error instanceof InvalidConfigError) return error;
    throw error;
  }
  throw new Error("expected an InvalidConfigError");
}

const official = { vit: "vit_ee1200", swin: "swin_ee1200", resnet: "resnet_ee2400" } as const;

for (const [backbone, preset] of Object.entries(official)) {
  test(`the official ${backbone} file, merged, loads unchanged and equals the preset`, async () => {
    const { config, notes } = await loadConfig(join(fixtures, `${backbone}_merged.yaml`));
    assert.equal(config, resolveConfig({}, { preset }).config);
    assert.equal(notes, ["compute_precision has no effect: everything is computed in float32."]);
  });

  test(`the official ${backbone} training file, without the defaults, gives the same config`, async () => {
    const { config, notes } = await loadConfig(join(fixtures, `${backbone}_train.yaml`));
    assert.equal(config, resolveConfig({}, { preset }).config);
    assert.equal(notes, []);
  });
}

test("the merged files hold every official key of their backbone", () => {
  const keys = (name: string) => readFileSync(join(fixtures, name), "utf8").match(/^ {2}[\w]+:/gm)?.length;
  assert.ok(readFileSync(join(fixtures, "vit_merged.yaml"), "utf8").includes("OFFICIAL_EPOCH_LENGTH: 800"));
  assert.ok(Number(keys("vit_merged.yaml")) > Number(keys("resnet_merged.yaml")));
});

test("a preset is loaded by name, with overrides over it", async () => {
  const { config } = await loadConfig("cifar-tiny", ["optim.epochs=1"]);
  assert.is(config.student.patch_size, 4);
  assert.is(config.optim.epochs, 1);
});

test("a name that is neither preset nor file names the presets and the nearest", async () => {
  await rejects(
    loadConfig("cifar-tny"),
    /^config "cifar-tny": no preset and no file of this name\. Did you mean cifar-tiny\? Presets: vit_ee1200, /,
  );
  await rejects(
    loadConfig("vit-tiny", ["optim.epoch=3"]),
    /^optim\.epoch is not a setting\. Did you mean optim\.epochs\?/,
  );
});

test("folders, binaries and huge files are refused", async () => {
  await rejects(loadConfig(fixtures), /is a folder/);
  const folder = mkdtempSync(join(tmpdir(), "poa-config-"));
  try {
    const file = join(folder, "c.yaml");
    writeFileSync(file, Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]));
    await rejects(loadConfig(file), /not UTF-8 text/);
    writeFileSync(file, "#".repeat(70_000));
    await rejects(loadConfig(file), /70000 bytes are too many/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

async function rejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ConfigError);
  assert.match((error as ConfigError).message, message);
}

test("each problem stands at its line and column, with the source line and a mark", () => {
  const text = "# mine\ntrain:\n  batch_size_per_gpu: many\n  sede: 1\n";
  assert.is(
    errorOf(text).message,
    [
      "2 problems in the config:",
      'c.yaml:3:23: train.batch_size_per_gpu: expected an integer in [1, 2147483647], got the string "many".',
      "    3 |   batch_size_per_gpu: many",
      "                              ^",
      "c.yaml:4:3: train.sede is not a setting. Did you mean train.seed?",
      "    4 |   sede: 1",
      "          ^",
    ].join("\n"),
  );
});

test("a problem carries its location as data", () => {
  const { problems } = errorOf("optim:\r\n  lr: fast\r\n", ["optim.epochs=0"]);
  assert.equal(
    problems.map(({ path, location }) => [path, location]),
    [
      ["optim.lr", { file: "c.yaml", line: 2, column: 7 }],
      ["optim.epochs", undefined],
    ],
  );
});

test("ten problems are reported at once, in the order of the file, then those of the command line", () => {
  const text = `optim:
  lr: -1
  epochs: .nan
  clip_grad: .inf
  warmup_epochs: "10"
optimizer: {}
crops:
  mean: [0.5, 0.5]
  std: [0.2, zero, 0.2]
  local_crops_size: 90
  flip_probability: yes
student:
  depth: 12
`;
  assert.equal(
    complaints(text, ["train.seed=-5"]).map((line) => line.split(" ").slice(0, 2).join(" ").replace(/:$/, "")),
    [
      "2:7: optim.lr",
      "3:11: optim.epochs",
      "4:14: optim.clip_grad",
      "5:18: optim.warmup_epochs",
      "6:1: optimizer",
      "8:9: crops.mean",
      "9:14: crops.std[1]",
      "10:3: crops.local_crops_size",
      "11:21: crops.flip_probability",
      "13:3: student.depth",
      "command line",
    ],
  );
});

test("numbers are read as YAML 1.2 writes them, and quoted ones are refused with the way out", () => {
  const { config } = parseConfigFile(
    "optim: {lr: 1e-05, min_lr: 1.0e-06, weight_decay: .5, clip_grad: 3.}\nstudent: {layerscale: 1E-4}\n",
    { file: "c.yaml" },
  );
  assert.equal(
    [config.optim.lr, config.optim.min_lr, config.optim.weight_decay, config.optim.clip_grad],
    [1e-5, 1e-6, 0.5, 3],
  );
  assert.match(complaints('optim:\n  lr: "1e-3"\n')[0], /^2:7: .*got the string "1e-3"; write it without quotes\./);
  assert.match(complaints("train:\n  tensorboard: on\n")[0], /^2:16: .*expected true or false, got the string "on"/);
});

test("a duplicate key is refused beside the other problems", () => {
  assert.equal(
    complaints("optim:\n  lr: 1\n  lr: fast\n  lrr: 2\n").map((line) => line.split(" ").slice(0, 5).join(" ")),
    ["2:7: optim.lr: expected a number", "3:3: this key stands twice", "4:3: optim.lrr is not a"],
  );
  assert.is(errorOf("optim: {lr: 1, lr: 2}\n").problems.length, 1);
});

test("aliases are refused unexpanded, so an alias bomb costs nothing", () => {
  assert.match(
    complaints("train: &t {seed: 1}\noptim: *t\n")[0],
    /^2:8: alias \*t: a config has no aliases; write the value out\./,
  );
  const levels = Array.from(
    { length: 30 },
    (_, i) => `k${i + 1}: &a${i + 1} [${new Array(10).fill(`*a${i}`).join(", ")}]`,
  );
  const bomb = ["k0: &a0 x", ...levels].join("\n");
  const start = performance.now();
  const { message, problems } = errorOf(bomb);
  assert.ok(performance.now() - start < 2000);
  assert.is(problems.length, 300);
  assert.match(message, /and 250 more\.$/);
});

test("tabs, merge keys, tags, several documents and broken syntax are refused where they stand", () => {
  assert.match(complaints("train:\n\tseed: 1\n")[0], /^2:1: .*[Tt]ab/);
  assert.match(complaints("train:\n  <<: {seed: 1}\n")[0], /^2:3: "train\.<<" is not a setting\./);
  assert.match(complaints("train:\n  seed: !!python/object:os.system 1\n")[0], /^2:9: .*tag/);
  assert.match(complaints("train: {}\n---\noptim: {}\n")[0], /^2:1: a second document starts here/);
  assert.match(complaints("train: {seed: 1\n")[0], /^2:1: /);
  assert.match(complaints('train: {seed: "1}\n')[0], /quote/);
});

test("a file without a mapping is refused", () => {
  for (const text of ["", "# nothing\n", "- 1\n", "vit_ee1200\n", "3\n"]) {
    assert.match(complaints(text)[0], /config: expected a section with settings, got /);
  }
});

test("prototype keys are unknown settings with a position", () => {
  assert.equal(
    complaints("__proto__:\n  polluted: 1\nconstructor: 1\n").map((line) => line.split(" ").slice(0, 2).join(" ")),
    ["1:1: __proto__", "3:1: constructor"],
  );
  assert.not("polluted" in {});
});

test("deep nesting is refused instead of overflowing the stack", () => {
  const columns = (n: number) => Array.from({ length: n }, (_, i) => `${" ".repeat(i)}k:\n`).join("");
  for (const deep of [
    "[".repeat(60_000),
    "{a: ".repeat(15_000),
    `${"? ".repeat(30_000)}1`,
    "- ".repeat(30_000),
    columns(300),
  ]) {
    assert.throws(
      () => parseConfigFile(deep, { file: "c.yaml" }),
      (error: unknown) => error instanceof ConfigError,
    );
  }
});

test("keys that are lists or sections are refused, however deep", () => {
  assert.match(complaints("? [seed]\n: 1\n")[0], /^1:3: a key is a word/);
  assert.match(complaints(`${"? ".repeat(40)}x`)[0], /^1:3: a key is a word/);
  assert.match(complaints("{{a: 1}: 2}\n")[0], /^1:2: a key is a word/);
});

test("many unknown keys are reported in bounded time and length", () => {
  const text = Array.from({ length: 6000 }, (_, i) => `key${i}: 1`).join("\n");
  const start = performance.now();
  const { message } = errorOf(text);
  assert.ok(performance.now() - start < 5000);
  assert.ok(message.length < 20_000);
});

test("no text raises anything but a ConfigError", () => {
  const words = fc.constantFrom(
    "train:",
    "  seed: 1",
    "\n",
    "optim",
    ":",
    " ",
    "\t",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!!x ",
    "'",
    '"',
    "#",
    "---",
    "? ",
    "|",
    ">",
    "é",
    "\u0000",
    "\r\n",
    "__proto__",
    "1e5",
  );
  const soup = fc.array(fc.oneof(words, fc.string({ maxLength: 5 })), { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(soup, (text) => {
      try {
        parseConfigFile(text, { file: "c.yaml" });
      } catch (error) {
        assert.instance(error, ConfigError);
      }
    }),
    { numRuns: 1000 },
  );
});
