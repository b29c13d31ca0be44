import * as assert from "uvu/assert";
import { resolveConfig } from "../../src/poa/config.js";
import { decisiveSettings, differingSettings } from "../../src/poa/decisive-settings.js";
import { test } from "../support/test.js";

const configOf = (...overrides: string[]) => resolveConfig({}, { preset: "vit-tiny", overrides }).config;
const saved = decisiveSettings(configOf());

test("equal settings do not differ, also as JSON", () => {
  assert.equal(differingSettings(JSON.parse(JSON.stringify(saved)), configOf()), []);
});

test("every setting on which weights depend is told with both values", () => {
  const now = configOf("student.max_depth=9", "optim.base_lr=0.25", "dino.head_n_prototypes=[8,9]", "train.seed=3");
  const differences = differingSettings(saved, now);
  assert.is(differences.length, 4);
  assert.ok(differences.includes("train.seed was 0 and is 3"));
  assert.ok(differences.some((text) => /^dino\.head_n_prototypes was \[.*\] and is \[8,9\]$/.test(text)));
});

test("settings on which no weight depends may change", () => {
  const now = configOf(
    ...["train.recompute=true", "train.cache=disk", "train.cache_gib=3", "train.cache_dir=x", "train.keep_last=9"],
    ...[
      "train.keep_best=2",
      "train.checkpoint_every_steps=7",
      "train.checkpoint_every_minutes=2",
      "train.num_workers=1",
    ],
    ...["train.max_bad_steps=3", "train.tensorboard=true", "train.stop_on_collapse=true", "optim.moments=host"],
    ...["evaluation.knn=photos", "evaluation.images=10", "train.output_dir=elsewhere"],
  );
  assert.equal(differingSettings(saved, now), []);
});

test("a setting that an older version did not know had its default", () => {
  const { "train.accumulate": _, ...older } = saved;
  assert.equal(differingSettings(older, configOf()), []);
  assert.equal(differingSettings(older, configOf("train.accumulate=2")), ["train.accumulate was 1 and is 2"]);
});

test("another backbone is told with it, and a long list is cut", () => {
  const swin = resolveConfig({}, { preset: "swin-tiny" }).config;
  const differences = differingSettings(saved, swin);
  assert.is(differences[0], 'student.arch was "vit_dynamic" and is "swin_dynamic"');
  assert.match(differences.at(-1)!, /^\d+ more$/);
});
