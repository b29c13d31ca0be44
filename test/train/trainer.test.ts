import * as assert from "uvu/assert";
import type { ImageSource } from "../../src/data/dataset.js";
import { ConfigError, DataError } from "../../src/errors.js";
import { init, memory } from "../../src/runtime/context.js";
import { Trainer } from "../../src/train/trainer.js";
import { refuses } from "../support/refuses.js";
import { runConfig, squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { copiedState, fingerprintOf, stateAfter, train } from "../support/training.js";

await init();

const source = squareSource(22); // passes of 5 batches of 4, two images left out of each

/** A source in which some images cannot be read. */
function withBroken(broken: readonly number[]): ImageSource {
  return {
    ...source,
    read: (index) =>
      broken.includes(index) ? Promise.reject(new DataError(`image ${index}: is broken.`)) : source.read(index),
  };
}

/** The weights of a branch as text. */
function weightsOf(trainer: Trainer, branch: "student" | "teacher"): string {
  const tensors = copiedState(trainer)[branch];
  return [...tensors].map(([name, { data }]) => `${name} ${(data as Float32Array).join()}`).join("\n");
}

test("two runs with the same seed are bit-equal, with another seed they are not", async () => {
  const config = runConfig();
  const [one, other] = [await stateAfter(config, source, 8), await stateAfter(config, source, 8)];
  assert.ok(fingerprintOf(one) === fingerprintOf(other));
  const seeded = await stateAfter(runConfig("train.seed=1"), source, 8);
  assert.ok(fingerprintOf(one) !== fingerprintOf(seeded));
});

const variants: Readonly<Record<string, readonly string[]>> = {
  "as it is": [],
  "softmax centring": ["train.centering=centering"],
  "two micro-batches per step": ["train.accumulate=2"],
  "stochastic depth on subsets": ["student.drop_path_rate=0.2", "train.accumulate=2"],
  "stochastic depth per sample": ["student.drop_path_rate=0.1"],
  "two elastic networks per step": ["student.samples_per_step=2"],
  "the full network alone": ["student.samples_per_step=0", "dino.lambda_ie=1"],
  "slices at a scale of their own": ["student.slice_scale=false"],
  "separate heads for patches": [
    "ibot.separate_head=true",
    "ibot.head_n_prototypes=[9]",
    "ibot.head_hidden_dim=8",
    "ibot.head_bottleneck_dim=8",
    "train.centering=centering",
  ],
  "no local crops and no clipping": ["crops.local_crops_number=0", "optim.clip_grad=0"],
};

for (const [name, overrides] of Object.entries(variants)) {
  test(`a run that is restored in another trainer goes on bit-equal: ${name}`, async () => {
    const config = runConfig(...overrides);
    const whole = fingerprintOf(await stateAfter(config, source, 8));
    for (const restartAt of [1, 7]) {
      assert.ok(
        fingerprintOf(await stateAfter(config, source, 8, { restartAt })) === whole,
        `restored at ${restartAt}`,
      );
    }
  });
}

test("a network that is trained alone is trained as one whose space holds no other", async () => {
  const alone = ["student.samples_per_step=0", "dino.lambda_ie=1"];
  const only = ["student.min_embed_dim=16", "student.min_depth=2"];
  const [one, other] = await Promise.all(
    [runConfig(...alone), runConfig(...alone, ...only)].map((config) => stateAfter(config, source, 5)),
  );
  assert.equal(fingerprintOf(one), fingerprintOf(other));
  const [first] = await train(new Trainer(runConfig(...alone), source), 1);
  assert.equal(first.networks, []);
  assert.ok(Object.keys(first.losses).every((key) => !key.startsWith("distill")));
});

test("broken images are replaced alike before and after a restart, and told once", async () => {
  const broken = withBroken([0, 3, 8, 9, 21]);
  const config = runConfig();
  const whole = fingerprintOf(await stateAfter(config, broken, 8));
  assert.ok(fingerprintOf(await stateAfter(config, broken, 8, { restartAt: 3 })) === whole);
  const warnings: string[] = [];
  const trainer = new Trainer(config, broken, { onWarning: (message) => warnings.push(message) });
  await train(trainer, 8);
  assert.is(warnings.length, trainer.broken.size);
  assert.is(new Set(warnings).size, warnings.length);
  assert.ok(trainer.broken.size > 0);
  trainer.dispose();
});

test("a broken image ends a strict run", async () => {
  const trainer = new Trainer(runConfig(), withBroken([0, 1, 2, 3, 4, 5, 6, 7]), { strict: true });
  await train(trainer, 8).then(
    () => assert.unreachable(),
    (error: unknown) => assert.instance(error, DataError),
  );
  trainer.dispose();
});

test("what is found out by reading ahead of a run that has ended is not told", async () => {
  let gone = false;
  const warnings: string[] = [];
  const vanishing: ImageSource = {
    ...source,
    read: async (index) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (gone) throw new DataError(`image ${index}: is gone.`);
      return source.read(index);
    },
  };
  const trainer = new Trainer(runConfig(), vanishing, { onWarning: (message) => warnings.push(message) });
  await train(trainer, 1);
  gone = true;
  trainer.close();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(warnings, []);
  gone = false;
  await train(trainer, 1); // begins to read anew
  assert.is(trainer.iteration, 2);
  trainer.dispose();
});

test("student and teacher start equal, and the same numbers start every run of a seed", () => {
  const [one, other] = [new Trainer(runConfig(), source), new Trainer(runConfig("optim.epochs=5"), source)];
  assert.is(weightsOf(one, "student"), weightsOf(one, "teacher"));
  assert.is(weightsOf(one, "student"), weightsOf(other, "student"));
  one.dispose();
  other.dispose();
});

test("with learning rate 0 no weight moves; the first step of a warm-up is such a step", async () => {
  const [trained, fresh] = [new Trainer(runConfig(), source), new Trainer(runConfig(), source)];
  const [report] = await train(trained, 1);
  assert.is(report.lr, 0);
  assert.is(weightsOf(trained, "student"), weightsOf(fresh, "student"));
  await train(trained, 1);
  assert.is.not(weightsOf(trained, "student"), weightsOf(fresh, "student"));
  trained.dispose();
  fresh.dispose();
});

test("prototypes stay as they are while they are frozen, and the patch loss waits for its epoch", async () => {
  const trainer = new Trainer(runConfig("optim.freeze_last_layer_epochs=1", "optim.ibot_activate_epochs=1.5"), source);
  const prototypes = () =>
    [...trainer.model.student.stateDict().get("dino_head.last_layer0.weight_v")!.toArray()].join();
  const start = prototypes();
  const reports = await train(trainer, 4);
  assert.is(prototypes(), start);
  reports.push(...(await train(trainer, 4)));
  assert.is.not(prototypes(), start);
  assert.equal(
    reports.map(({ losses }) => "ibot_loss_0" in losses),
    [false, false, false, false, false, false, true, true],
  );
  trainer.dispose();
});

test("a report tells the schedules, the published losses, and the networks, which pass through the whole list", async () => {
  const trainer = new Trainer(runConfig(), source);
  const reports = await train(trainer, 6);
  const { momentum, weightDecay, teacherTemperature, losses, loss, gradientNorms, images, updated, culprits } =
    reports[3];
  assert.equal(
    reports.map(({ iteration }) => iteration),
    [0, 1, 2, 3, 4, 5],
  );
  assert.ok(momentum >= 0.9 && momentum < 1 && weightDecay > 0.04 && teacherTemperature >= 0.04);
  const kinds = [
    "dino_local_crops_loss",
    "dino_global_crops_loss",
    "distill_local_crops_loss",
    "distill_global_crops_loss",
    "ibot_loss",
  ];
  assert.equal(
    Object.keys(losses).sort(),
    [...kinds.flatMap((kind) => [`${kind}_0`, `${kind}_1`]), "koleo_loss"].sort(),
  );
  assert.ok([loss, ...Object.values(losses), ...Object.values(gradientNorms)].every(Number.isFinite));
  assert.equal(Object.keys(gradientNorms), ["backbone", "dino_head"]);
  assert.is(images, 4);
  assert.ok(updated);
  assert.equal(culprits, []);
  for (const half of [reports.slice(0, 3), reports.slice(3)])
    assert.equal(half.flatMap(({ networks }) => networks.map(({ name }) => name)).sort(), ["16x1", "8x1", "8x2"]);
  trainer.dispose();
});

test("a step that is not finite changes nothing but the count, and names its images", async () => {
  const trainer = new Trainer(runConfig(), source);
  await train(trainer, 2);
  const { student } = trainer.model;
  const bias = student.stateDict().get("backbone.blocks.0.mlp.fc1.bias")!;
  const good = bias.toArray();
  const before = copiedState(trainer);
  bias.write(new Float32Array(bias.numel).fill(Number.NaN));
  const [report] = await train(trainer, 1);
  assert.not.ok(report.updated);
  assert.is(report.culprits.length, 4);
  assert.match(report.culprits[0], /^image \d+$/);
  bias.write(good);
  const after = copiedState(trainer);
  assert.is(after.iteration, before.iteration + 1);
  const strip = (state: typeof before) => fingerprintOf({ ...state, iteration: 0, sampler: before.sampler });
  assert.ok(strip(after) === strip(before));
  const [next] = await train(trainer, 1);
  assert.ok(next.updated, "the run goes on once the cause is gone");
  trainer.dispose();
});

test("the bytes in use are the same after 20 and after 120 steps, and all go back at the end", async () => {
  const before = memory().persistentBytes;
  const trainer = new Trainer(
    runConfig("optim.epochs=40", "student.drop_path_rate=0.2", "train.centering=centering"),
    source,
  );
  const used = () => {
    const { persistentBytes, stepBytes, heapBytes } = memory();
    return { persistentBytes, stepBytes, heapBytes };
  };
  await train(trainer, 20);
  const early = used();
  await train(trainer, 100);
  assert.equal(used(), early);
  trainer.dispose();
  assert.is(memory().persistentBytes, before);
});

test("initial weights start student and teacher alike", async () => {
  const [trained, fresh] = [new Trainer(runConfig(), source), new Trainer(runConfig("train.seed=9"), source)];
  await train(trained, 4);
  fresh.loadWeights(copiedState(trained).student);
  for (const branch of ["student", "teacher"] as const)
    assert.is(weightsOf(fresh, branch), weightsOf(trained, "student"));
  trained.dispose();
  fresh.dispose();
});

test("a state of another config is refused with every setting that differs, before anything is loaded", async () => {
  const state = await stateAfter(runConfig(), source, 1);
  const trainer = new Trainer(runConfig("optim.lr=0.5", "student.max_depth=3"), source);
  const before = fingerprintOf(copiedState(trainer));
  for (const phrase of ["does not fit the config", "student.max_depth was 2 and is 3", "optim.lr was 0 and is 0.5"])
    refuses(() => trainer.restore(state), ConfigError, phrase);
  assert.ok(fingerprintOf(copiedState(trainer)) === before);
  trainer.dispose();
});

test("a run goes on with other settings for what changes no weight", async () => {
  const state = await stateAfter(runConfig(), source, 2);
  const other = ["train.keep_last=5", "train.cache=memory", "train.recompute=true", "optim.moments=host"];
  const trainer = new Trainer(runConfig(...other), source);
  trainer.restore(state);
  await train(trainer, 2);
  assert.ok(fingerprintOf(copiedState(trainer)) === fingerprintOf(await stateAfter(runConfig(), source, 4)));
  trainer.dispose();
});

test("a state that does not know its config is refused with the tensors that differ", async () => {
  const state = { ...(await stateAfter(runConfig(), source, 1)), settings: undefined };
  for (const [override, message] of [
    ["student.max_depth=3", "missing backbone.blocks.2"],
    ["student.max_embed_dim=24", "backbone.cls_token is [1, 1, 16], expected [1, 1, 24]"],
    ["dino.head_n_prototypes=[12,21]", "last_layer1.weight_g is [20, 1], expected [21, 1]"],
    ["train.centering=centering", "missing dino_loss.center_0"],
  ]) {
    const trainer = new Trainer(runConfig(override), source);
    refuses(() => trainer.restore(state), ConfigError, message);
    refuses(() => trainer.restore(state), ConfigError, "does not fit the config");
    trainer.dispose();
  }
  const centred = { ...(await stateAfter(runConfig("train.centering=centering"), source, 1)), settings: undefined };
  const trainer = new Trainer(runConfig(), source);
  refuses(() => trainer.restore(centred), ConfigError, "unexpected dino_loss.center_0");
  refuses(() => trainer.loadWeights(new Map()), ConfigError, "the file of initial weights does not fit the config");
  trainer.dispose();
});

test("too few images are refused before anything is allocated", () => {
  const before = memory().persistentBytes;
  refuses(() => new Trainer(runConfig(), squareSource(3)), DataError, "3 images");
  refuses(() => new Trainer(runConfig("train.OFFICIAL_EPOCH_LENGTH=null"), squareSource(3)), DataError, "3 images");
  assert.is(memory().persistentBytes, before);
});

test("a finished run says so", async () => {
  const trainer = new Trainer(runConfig("optim.epochs=0.5", "optim.warmup_epochs=0.25"), source);
  assert.not.ok(trainer.finished);
  await train(trainer, 2);
  assert.ok(trainer.finished);
  assert.is(trainer.iteration, 2);
  trainer.dispose();
});
