import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { readEncoder } from "../../src/export/encoder-file.js";
import { networkName } from "../../src/models/encoder-spec.js";
import type { Config } from "../../src/poa/config-keys.js";
import { dispose, init } from "../../src/runtime/context.js";
import { expectCode, workshop } from "../support/program.js";
import { test } from "../support/test.js";
import { tinyResnet, tinySwin } from "../support/tiny-run.js";

const cwd = workshop();

test("the official spaces have their published sizes and well-known networks, listed without any memory", async () => {
  dispose();
  for (const [preset, count, listLength, known] of [
    ["vit_ee1200", 143, 573, { small: 21.7, base: 85.8, large: 303.4 }],
    ["swin_ee1200", 39, 89, { tiny: 27.5, small: 48.9, base: 86.8 }],
    ["resnet_ee2400", 465, 699, { R50: 23.5, R101: 42.5, R152: 58.1, full: 172.6 }],
  ] as const) {
    const { events, result } = await expectCode(0, ["subnets", "list", preset, "--json"], { cwd });
    const networks = events.slice(0, -1) as { name: string; names: string[]; params: number; draws: number }[];
    assert.equal([networks.length, result.count, result.listLength], [count, count, listLength]);
    assert.is(
      networks.reduce((sum, { draws }) => sum + draws, 0),
      listLength,
    );
    const millions = (params: number) => Math.round(params / 1e5) / 10;
    const found = Object.keys(known).map((name) => [
      name,
      millions(networks.find(({ names }) => names.includes(name))!.params),
    ]);
    assert.equal(Object.fromEntries(found), known);
    if (preset === "resnet_ee2400") {
      const wide = networks.find(({ name }) => name === "96x8x36")!;
      assert.is(millions(wide.params), 108);
    }
  }
});

const families: Record<string, { config: Config; count: number; impossible: string; message: RegExp }> = {
  swin: { config: tinySwin(), count: 6, impossible: "6x2", message: /width 6 is not in the search space.*4x2, 8x2/ },
  resnet: {
    config: tinyResnet(),
    count: 12,
    impossible: "8x3x1",
    message: /stage-2 blocks 3 is not in the search space.*Nearest: 8x2x1/,
  },
};

for (const [family, { config, count, impossible, message }] of Object.entries(families)) {
  test(`${family}: every network of a run is extracted, equal to its slice, and a model for other verbs`, async () => {
    await init();
    const { student, crops, dino, train } = config;
    const optim = { epochs: 1, warmup_epochs: 0, ibot_activate_epochs: 0 };
    const settings = { student, crops, dino, optim, train: { ...train, OFFICIAL_EPOCH_LENGTH: 3 } };
    writeFileSync(join(cwd, `${family}.yaml`), JSON.stringify(settings));
    const pretrain = ["pretrain", "--config", `${family}.yaml`, "--data", "images", "--out", family];
    await expectCode(0, pretrain, { cwd });
    const out = `${family}-all`;
    const extract = ["subnets", "extract", family, "--out"];
    const { events, result } = await expectCode(0, [...extract, out, "--net", "all", "--json"], { cwd });
    assert.is(result.files, count);
    assert.ok((result.maxAbsDiff as number) <= 1e-5);
    const files = events.filter(({ event }) => event === "file") as { name: string; file: string }[];
    for (const { name, file } of files) {
      assert.is(networkName(readEncoder(join(cwd, file)).spec), name);
    }
    const manifest = JSON.parse(readFileSync(join(cwd, out, "manifest.json"), "utf8"));
    assert.equal(
      manifest.networks.map(({ name }: { name: string }) => name),
      files.map(({ name }) => name),
    );
    // The same features from the run, in place, and from the file.
    const smallest = files[0];
    const features = async (model: string, net: readonly string[]) => {
      const target = `${family}-${net.length}.csv`;
      await expectCode(0, ["embed", model, "--data", "images", "--out", target, ...net], { cwd });
      return readFileSync(join(cwd, target), "utf8").split(/[,\n]/).map(Number).filter(Number.isFinite);
    };
    const inPlace = await features(family, ["--net", smallest.name]);
    const fromFile = await features(smallest.file, []);
    assert.ok(inPlace.length > 16);
    inPlace.forEach((value, i) => {
      assert.ok(Math.abs(value - fromFile[i]) <= 1e-5);
    });
    // Ranked, each with the size of its file and depths of its family.
    const rank = ["subnets", "rank", family, "--data", "images", "--test", "images", "--json"];
    const ranked = (await expectCode(0, rank, { cwd })).events.filter(({ event }) => event === "network");
    const known = (networks: Record<string, unknown>[]) =>
      new Map(networks.map(({ name, bytes, depth, width, params }) => [name, [bytes, depth, width, params]]));
    assert.equal(new Map([...known(ranked)].sort()), new Map([...known(manifest.networks)].sort()));
    const { stderr } = await expectCode(2, [...extract, "none", "--net", impossible], { cwd });
    assert.match(stderr, message);
  });
}
