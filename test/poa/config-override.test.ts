import * as assert from "uvu/assert";
import { resolveConfig } from "../../src/poa/config.js";
import { problemsOf } from "../support/config-problems.js";
import { test } from "../support/test.js";

test("overrides come last and are read as YAML scalars and lists", () => {
  const overrides = [
    "optim.lr=1e-03",
    "train.OFFICIAL_EPOCH_LENGTH=null",
    "train.tensorboard=true",
    "dino.head_n_prototypes=[256, 512]",
    "train.cache=memory",
    "evaluation.knn='folder:a=b, it''s'",
    "crops.mean= [ .5,0.5 , 5e-1]",
    "train.seed=1",
    "train.seed=2",
  ];
  const { config } = resolveConfig({ optim: { lr: 1 }, train: { seed: 7 } }, { overrides });
  assert.is(config.optim.lr, 0.001);
  assert.is(config.train.OFFICIAL_EPOCH_LENGTH, null);
  assert.is(config.train.tensorboard, true);
  assert.equal(config.dino.head_n_prototypes, [256, 512]);
  assert.is(config.train.cache, "memory");
  assert.is(config.evaluation.knn, "folder:a=b, it's");
  assert.equal(config.crops.mean, [0.5, 0.5, 0.5]);
  assert.is(config.train.seed, 2);
});

test("overrides that cannot be read or are wrong say so and come from the command line", () => {
  for (const override of [
    "lr",
    "=1",
    "optim.=1",
    "optim..lr=1",
    "crops.mean=[1, 2",
    "crops.mean=[1,,2]",
    'crops.mean=[1, "2]',
  ]) {
    const [found] = problemsOf({}, { overrides: [override] });
    assert.is(found.source, "override");
    assert.ok(found.message.startsWith(`override ${JSON.stringify(override)}: `), found.message);
  }
  const wrong = problemsOf({ optim: { lr: 1 } }, { overrides: ["optim.lr=fast", "optim.lrr=1", "optim.min_lr="] });
  assert.equal(
    wrong.map(({ path, source, nearest }) => [path, source, nearest]),
    [
      ["optim.lrr", "override", "optim.lr"],
      ["optim.lr", "override", undefined],
      ["optim.min_lr", "override", undefined],
    ],
  );
});
