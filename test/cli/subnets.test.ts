import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { readEncoder } from "../../src/export/encoder-file.js";
import { readSafetensors, writeSafetensors } from "../../src/formats/safetensors.js";
import { init } from "../../src/runtime/context.js";
import { expectCode, expectExit, tinyPretrain, workshop } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

const cwd = workshop();
await init();
await expectCode(0, tinyPretrain, { cwd });

test("a list has one line per network, and a closing result without draws", async () => {
  const { events, stderr } = await expectCode(0, ["subnets", "list", "run", "--json"], { cwd });
  const networks = events.slice(0, -1);
  assert.is(stderr, "");
  assert.equal(
    networks.map(({ name, width, depth, draws }) => [name, width, depth, draws]),
    [
      ["8x1", 8, 1, 1],
      ["8x2", 8, 2, 1],
      ["16x1", 16, 1, 1],
      ["16x2", 16, 2, 1],
    ],
  );
  for (const { event, params, macs } of networks) {
    assert.is(event, "network");
    assert.ok(Number.isInteger(params) && (params as number) > 0 && Number.isInteger(macs) && (macs as number) > 0);
  }
  const last = events.at(-1)!;
  assert.is(last.event, "result");
  assert.not.ok("draws" in last);
});

test("the official space has its published size, the full network drawn once; the largest is ViT-L", async () => {
  const { events } = await expectCode(0, ["subnets", "list", "vit_ee1200", "--json"], { cwd });
  const networks = events.slice(0, -1);
  assert.is(networks.length, 143);
  assert.is(
    networks.reduce((sum, { draws }) => sum + (draws as number), 0),
    573,
  );
  const find = (wanted: string) => networks.find(({ name }) => name === wanted)!;
  assert.equal([find("384x12").draws, find("1024x24").draws], [9, 1]);
  // timm's counts of ViT-S/16 and ViT-L/16 without classifier, and two layer scales per block.
  assert.is(find("384x12").params, 21_665_664 + 12 * 2 * 384);
  assert.is(find("1024x24").params, 303_301_632 + 24 * 2 * 1024);
});

test("the list can be of a file, with overrides, and as a table", async () => {
  const { stdout } = await expectCode(0, ["subnets", "list", "tiny.yaml", "student.max_depth=3"], { cwd });
  const rows = stdout.trimEnd().split("\n");
  assert.match(rows[0], /^network +params +macs +draws +known as$/);
  assert.is(rows.length, 7);
  assert.match(rows[6], /^16x3 /);
});

test("what is neither preset, file nor run ends with 2", async () => {
  for (const name of ["nothing", "images"]) await expectCode(2, ["subnets", "list", name], { cwd });
  const { stderr } = await expectCode(2, ["subnets", "list", "cifar-tny"], { cwd });
  assert.match(stderr, /Did you mean cifar-tiny\?/);
  for (const name of ["nothing", "images"])
    assert.match((await expectCode(2, ["subnets", "extract", name, "--out", "x"], { cwd })).stderr, /is no run/);
  assert.not.ok(existsSync(join(cwd, "x")));
});

test("all networks are extracted, each equal to its slice within 1e-5, and the files can be read", async () => {
  const { events } = await expectExit(0, ["subnets", "extract", "run", "--net", "all", "--out", "all", "--json"], {
    cwd,
  });
  const files = events.slice(0, -1);
  const listed = (await expectExit(0, ["subnets", "list", "run", "--json"], { cwd })).events;
  assert.is(files.length, 4);
  files.forEach(({ event, name, file, params, maxAbsDiff }, i) => {
    assert.is(event, "file");
    assert.is(file, join("all", `${name}.safetensors`));
    assert.is(params, listed[i].params);
    assert.ok((maxAbsDiff as number) >= 0 && (maxAbsDiff as number) <= 1e-5);
    assert.is(readEncoder(join(cwd, file as string)).spec.width, listed[i].width);
  });
  const { event, files: count, maxAbsDiff } = events.at(-1)!;
  assert.equal([event, count], ["result", 4]);
  assert.ok((maxAbsDiff as number) <= 1e-5);
});

test("the manifest names every file with its size, digest and origin; the same stands in each file", async () => {
  const read = (folder: string) => JSON.parse(readFileSync(join(cwd, folder, "manifest.json"), "utf8"));
  const { provenance, networks } = read("all");
  assert.equal(
    networks.map(({ name, knownAs }: Record<string, unknown>) => [name, knownAs]),
    [
      ["8x1", []],
      ["8x2", []],
      ["16x1", []],
      ["16x2", ["full"]],
    ],
  );
  assert.equal([provenance.steps, provenance.images, provenance.architecture], [8, 16, "vit_dynamic"]);
  assert.not.match(JSON.stringify(provenance), /\//);
  const yaml = readFileSync(join(cwd, "run", "config.yaml"));
  assert.is(provenance.configSha256, createHash("sha256").update(yaml).digest("hex"));
  for (const { name, files, bytes, sha256, width, maxAbsDiff } of networks) {
    assert.equal(files, { poa: `${name}.safetensors` });
    const content = readFileSync(join(cwd, "all", files.poa));
    assert.equal([bytes, sha256], [content.length, createHash("sha256").update(content).digest("hex")]);
    assert.ok(maxAbsDiff <= 1e-5);
    const { metadata } = readSafetensors(content, name);
    assert.equal(JSON.parse(metadata.get("poa.provenance")!), { ...provenance, network: name });
    assert.is(JSON.parse(metadata.get("poa.model")!).width, width);
    const { resizeShortSide, centerCrop, mean } = JSON.parse(metadata.get("poa.preprocessing")!);
    assert.equal([resizeShortSide, centerCrop, mean.length], [18, 16, 3]);
  }
});

test("a second extraction into the folder adds to its manifest, and one of another run starts it anew", async () => {
  const names = () =>
    JSON.parse(readFileSync(join(cwd, "grown", "manifest.json"), "utf8")).networks.map(
      ({ name }: { name: string }) => name,
    );
  const extract = (net: string) =>
    expectCode(0, ["subnets", "extract", "run", "--net", net, "--out", "grown"], { cwd });
  await extract("8x1");
  await extract("16x2");
  await extract("8x1");
  assert.equal(names().sort(), ["16x2", "8x1"]);
  writeFileSync(join(cwd, "grown", "manifest.json"), JSON.stringify({ provenance: {}, networks: [{ name: "x" }] }));
  await extract("8x2");
  assert.equal(names(), ["8x2"]);
  writeFileSync(join(cwd, "grown", "manifest.json"), "{");
  await extract("8x1");
  assert.equal(names(), ["8x1"]);
});

test("one network is extracted by its name, for people with the difference", async () => {
  const { stdout } = await expectCode(0, ["subnets", "extract", "run", "--net", "8x2", "--out", "one"], { cwd });
  assert.match(stdout, /^one\/8x2\.safetensors {2}\d+ parameters, differs from the slice by at most \S+\n$/);
  assert.equal(readdirSync(join(cwd, "one")).sort(), ["8x2.safetensors", "manifest.json"]);
  await expectCode(0, ["subnets", "extract", "run", "--out", "full"], { cwd });
  assert.equal(readdirSync(join(cwd, "full")).sort(), ["16x2.safetensors", "manifest.json"]);
});

test("a file that differs from its slice is refused, and none is left", async () => {
  const teacher = join(cwd, "run", "checkpoints", "000000008", "teacher.safetensors");
  const { tensors } = readSafetensors(readFileSync(teacher), teacher);
  (tensors.get("backbone.patch_embed.proj.weight")!.data as Float32Array).fill(1e38); // finite; the features are not
  writeFileSync(join(cwd, "wild.safetensors"), writeSafetensors(tensors));
  const start = [...tinyPretrain.slice(0, -1), "diverged", "--init", "wild.safetensors", "train.max_bad_steps=1"];
  await expectCode(4, start, { cwd });
  const extract = ["subnets", "extract", "diverged", "--net", "all", "--out", "refused"];
  const { stderr } = await expectCode(1, extract, { cwd });
  assert.match(
    stderr,
    /^error: extract: the file of network 8x1 differs from its slice by NaN, more than 0\.00001, and is not kept/m,
  );
  assert.equal(readdirSync(join(cwd, "refused")), []);
  const exported = await expectCode(1, ["export", "diverged", "--format", "edge", "--out", "refused/a.poa"], { cwd });
  assert.match(exported.stderr, /a\.poa would differ from the network by NaN, .* is not written/);
  assert.equal(readdirSync(join(cwd, "refused")), []);
});

test("other names and other images to compare on can be chosen", async () => {
  const args = ["subnets", "extract", "run", "--net", "8x1", "--out", "tv", "--names", "torchvision", "--json"];
  const { events } = await expectCode(0, [...args, "--data", "images/left"], { cwd });
  const file = events[0].file as string;
  assert.is(file, join("tv", "8x1.torchvision.safetensors"));
  assert.ok(readSafetensors(readFileSync(join(cwd, file)), file).tensors.has("class_token"));
});

test("a network that the run does not hold ends with 2 and the nearest ones, an unknown naming too", async () => {
  const extract = ["subnets", "extract", "run", "--out", "none"];
  for (const [net, message] of [
    [
      "12x2",
      /network 12x2: width 12 is not in the search space\. Nearest: 8x2, 16x2, .* holds width 8, 16; depth 1, 2\./,
    ],
    ["9x1", /network 9x1: width 9 is not in the search space\. Nearest: 8x1, /],
    ["16x9", /network 16x9: depth 9 is not in the search space\. Nearest: 16x2, /],
    ["3x7", /network 3x7: width 3 is not in the search space, depth 7 is not in the search space\. Nearest: 8x2, /],
    ["ful", /network "ful": expected width x depth, as in 16x2, or one of full\. Did you mean full\?/],
  ] as const) {
    assert.match((await expectCode(2, [...extract, "--net", net], { cwd })).stderr, message);
    const embed = ["embed", "run", "--data", "images", "--out", "none.csv", "--net", net];
    assert.match((await expectCode(2, embed, { cwd })).stderr, message);
  }
  assert.match(
    (await expectCode(2, [...extract, "--names", "keras"], { cwd })).stderr,
    /expected poa, timm, torchvision/,
  );
  assert.not.ok(existsSync(join(cwd, "none")));
});

test("a damaged run ends with 3 and names the file", async () => {
  const path = join(tempFolder(), "run");
  cpSync(join(cwd, "run"), path, { recursive: true });
  writeFileSync(join(path, "checkpoints", "000000008", "teacher.safetensors"), "no tensors");
  assert.match(
    (await expectCode(3, ["subnets", "extract", path, "--out", "none"], { cwd })).stderr,
    /000000008\/teacher\.safetensors/,
  );
  rmSync(join(path, "checkpoints"), { recursive: true });
  assert.match(
    (await expectCode(3, ["subnets", "extract", path, "--out", "none"], { cwd })).stderr,
    /has no checkpoint yet/,
  );
});
