import fc from "fast-check";
import * as assert from "uvu/assert";
import { editDistance } from "../../src/elastic/nearest-name.js";
import { ConfigError } from "../../src/errors.js";
import { configKeys, resolveConfig } from "../../src/poa/config.js";
import { architectures, expectation, fallbackOf } from "../../src/poa/config-key.js";
import { searchSpace } from "../../src/poa/plan.js";
import { problemOf, problemsOf } from "../support/config-problems.js";
import { test } from "../support/test.js";

const swin = { arch: "swin_dynamic" } as const;
const resnet = { arch: "resnet_dynamic" } as const;

test("without any setting the config is the official ViT recipe", () => {
  const { config, notes } = resolveConfig({});
  assert.equal(notes, []);
  assert.is(config.student.arch, "vit_dynamic");
  assert.equal(config.dino.head_n_prototypes, [8192, 16384, 32768, 65536]);
  assert.is(config.train.OFFICIAL_EPOCH_LENGTH, 800);
  assert.is(config.optim.iter_num_scale, 0.78);
  assert.equal(config.crops.blur_probability, [0, 0.9, 0.5]);
});

test("defaults follow the backbone, and keys of another backbone are absent", () => {
  const { config } = resolveConfig({ student: resnet });
  assert.is(config.optim.layerwise_decay, 0.95);
  assert.is(config.train.batch_size_per_gpu, 40);
  assert.equal(config.ibot.mask_ratio_min_max, [0.1, 0.3]);
  assert.not("min_embed_dim" in config.student);
  if (config.student.arch === "resnet_dynamic") assert.equal(config.student.strides, [1, 2, 2, 2]);
  assert.match(
    problemOf({ student: { ...resnet, head_dim: 64 } }).message,
    /^student\.head_dim belongs to vit_dynamic and swin_dynamic; student\.arch is resnet_dynamic/,
  );
  assert.is(problemsOf({ student: { ...swin, max_depth: 4 } })[0].nearest, "student.max_depths");
});

test("every setting takes its own default and refuses a value of another type", () => {
  for (const arch of architectures) {
    for (const [path, key] of configKeys(arch)) {
      const [section, name] = path.split(".");
      const given = (value: unknown) =>
        section === "student"
          ? { student: { arch, [name]: value } }
          : { student: { arch }, [section]: { [name]: value } };
      if (path !== "student.arch") assert.equal(problemsOf(given(fallbackOf(key, arch))), [], path);
      const wrong = problemsOf(given({ nested: 1 })).filter((found) => found.path === path);
      assert.is(wrong.length, 1, path);
      assert.ok(wrong[0].message.includes(`expected ${expectation(key.kind)}`), wrong[0].message);
      assert.is(wrong[0].got, "a section");
    }
  }
});

test("unknown keys name the one that was meant", () => {
  const nearest = (input: unknown) => problemsOf(input).map((found) => found.nearest);
  assert.is(
    problemOf({ student: { max_dpeth: 4 } }).message,
    "student.max_dpeth is not a setting. Did you mean student.max_depth?",
  );
  assert.equal(nearest({ train: { lr: 1 } }), ["optim.lr"]);
  assert.equal(nearest({ epochs: 5 }), ["optim.epochs"]);
  assert.equal(nearest({ optimizer: { lr: 1 } }), ["optim"]);
  assert.equal(nearest({ "optim.lr": 1 }), ["optim.lr"]);
  assert.equal(nearest({ train: { batch_size: 8 } }), ["train.batch_size_per_gpu"]);
  assert.equal(nearest({ train: { official_epoch_length: 8 } }), ["train.OFFICIAL_EPOCH_LENGTH"]);
  assert.equal(
    nearest({ compute_precision: { student: { backbone: { mixed_precision: { param_dtypes: "fp16" } } } } }),
    ["compute_precision.student.backbone.mixed_precision.param_dtype"],
  );
  assert.is(problemOf({ "": { lr: 1 } }).message, '"" is not a setting.');
  assert.equal(nearest({ wandb: { project: "x" } }), [undefined]);
});

test("prototype names are ordinary unknown keys and reach no object", () => {
  const input = JSON.parse(
    '{"__proto__": {"polluted": 1}, "constructor": 2, "optim": {"__proto__": 3, "toString": 4}, "student": {"hasOwnProperty": 5}}',
  );
  assert.equal(
    problemsOf(input)
      .map(({ path }) => path)
      .sort(),
    ["__proto__", "constructor", "optim.__proto__", "optim.toString", "student.hasOwnProperty"],
  );
  assert.is(problemOf({}, { overrides: ["__proto__.polluted=1"] }).path, "__proto__");
  assert.not("polluted" in {});
});

test("all problems are reported at once", () => {
  const problems = problemsOf({
    train: { seed: -1, tensorbord: true },
    optim: { lr: "fast", epochs: 0 },
    crops: { mean: [1, 2, 3, 4], local_crops_size: 90 },
    student: { head_dim: 60 },
    dino: 7,
  });
  assert.equal(problems.map(({ path }) => path).sort(), [
    "crops.local_crops_size",
    "crops.mean",
    "dino",
    "optim.epochs",
    "optim.lr",
    "student.head_dim",
    "train.seed",
    "train.tensorbord",
  ]);
});

test("settings without effect are accepted, checked and noted once", () => {
  const part = {
    sharding_strategy: "SHARD_GRAD_OP",
    mixed_precision: { param_dtype: "fp16", reduce_dtype: "fp16", buffer_dtype: "fp32" },
  };
  const compute_precision = { grad_scaler: true, student: { backbone: part }, teacher: { dino_head: part } };
  const { config, notes } = resolveConfig({
    compute_precision,
    MODEL: { WEIGHTS: "w.pth" },
    train: { output_dir: ".", dataset_path: "ImageNet22k" },
  });
  assert.equal(notes, [
    "compute_precision has no effect: everything is computed in float32.",
    "MODEL.WEIGHTS has no effect: --init decides where training starts.",
    "train.dataset_path has no effect: --data names the images.",
  ]);
  assert.not("compute_precision" in config);
  assert.is(problemOf({ compute_precision: { grad_scaler: 1 } }).path, "compute_precision.grad_scaler");
  const spaceNotes = resolveConfig({ student: { ...swin, depth_interval: 2, net_select_scale: 3 } }).notes;
  assert.equal(
    spaceNotes.map((note) => note.split(" ")[0]),
    ["student.depth_interval", "student.net_select_scale"],
  );
});

test("a resolved config resolves to itself without notes", () => {
  for (const arch of architectures) {
    const { config } = resolveConfig({ student: { arch } });
    assert.equal(resolveConfig(config), { config, notes: [] });
    assert.equal(resolveConfig(JSON.parse(JSON.stringify(config))).config, config);
  }
});

test("undefined members are absent, and the input is not kept or changed", () => {
  const mean = [0.1, 0.2, 0.3];
  const input = Object.freeze({ train: { seed: undefined }, crops: Object.freeze({ mean }) });
  const { config } = resolveConfig(input);
  mean[0] = 9;
  assert.is(config.train.seed, 0);
  assert.equal(config.crops.mean, [0.1, 0.2, 0.3]);
});

test("a config that is no object is refused", () => {
  for (const input of [null, undefined, 3, "vit_ee1200", [], true])
    assert.match(problemOf(input).message, /^config: expected a section with settings, got /);
  assert.is(problemOf({ train: [1] }).message, "train: expected a section with settings, got a list of 1.");
});

test("a config error lists one line per problem", () => {
  assert.throws(
    () => resolveConfig({ optim: { lr: -1, lrr: 1 } }),
    (error: unknown) =>
      error instanceof ConfigError && /^2 problems in the config:\noptim\.lrr .*\noptim\.lr: /.test(error.message),
  );
});

const plain = { maxDepth: 4, withNullPrototype: true } as const;

test("arbitrary JSON never raises anything but a ConfigError", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.string(), { maxLength: 3 }), (input, overrides) => {
      try {
        resolveConfig(input, { overrides });
      } catch (error) {
        assert.instance(error, ConfigError);
      }
    }),
    { numRuns: 300 },
  );
});

test("arbitrary values in real settings never raise anything but a ConfigError", () => {
  const paths = [...new Set(architectures.flatMap((arch) => [...configKeys(arch).keys()]))];
  const value = fc.oneof(
    fc.anything(plain),
    fc.double(),
    fc.integer(),
    fc.array(fc.integer({ min: -2, max: 70000 }), { maxLength: 5 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...architectures),
      fc.dictionary(fc.constantFrom(...paths), value, { maxKeys: 12 }),
      (arch, settings) => {
        const input: Record<string, Record<string, unknown>> = { student: { arch } };
        for (const [path, setting] of Object.entries(settings)) {
          const [section, name] = path.split(".");
          input[section] ??= {};
          input[section][name] = setting;
        }
        try {
          const { config } = resolveConfig(input);
          searchSpace(config);
        } catch (error) {
          assert.instance(error, ConfigError);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("a misspelt key is refused, and the suggestion is the original or as close", () => {
  const edit = fc.record({
    kind: fc.constantFrom("drop", "double", "swap", "replace", "case"),
    at: fc.nat(),
    letter: fc.constantFrom(..."abcxyz_19"),
  });
  fc.assert(
    fc.property(fc.constantFrom(...architectures), fc.nat(), edit, (arch, pick, change) => {
      const paths = [...configKeys(arch).keys()];
      const original = paths[pick % paths.length];
      const [section, name] = original.split(".");
      const misspelt = changed(name, change);
      fc.pre(misspelt !== "" && ![...architectures].some((other) => configKeys(other).has(`${section}.${misspelt}`)));
      const student = section === "student" ? { arch, [misspelt]: 1 } : { arch };
      const input = section === "student" ? { student } : { student, [section]: { [misspelt]: 1 } };
      const found = problemOf(input);
      assert.is(found.path, `${section}.${misspelt}`);
      const suggested = found.nearest?.split(".")[1] ?? "";
      assert.ok(
        editDistance(suggested, misspelt) <= editDistance(name, misspelt),
        `${misspelt}: ${found.nearest}, not ${original}`,
      );
    }),
    { numRuns: 500 },
  );
});

function changed(name: string, { kind, at, letter }: { kind: string; at: number; letter: string }): string {
  const i = at % name.length;
  switch (kind) {
    case "drop":
      return name.slice(0, i) + name.slice(i + 1);
    case "double":
      return name.slice(0, i) + name[i] + name.slice(i);
    case "swap":
      return name.slice(0, i) + (name[i + 1] ?? "") + name[i] + name.slice(i + 2);
    case "replace":
      return name.slice(0, i) + letter + name.slice(i + 1);
    default:
      return (
        name.slice(0, i) +
        (name[i] === name[i].toUpperCase() ? name[i].toLowerCase() : name[i].toUpperCase()) +
        name.slice(i + 1)
      );
  }
}
