import * as assert from "uvu/assert";
import { architectureOf } from "../../src/models/architecture.js";
import type { SwinTransformer } from "../../src/models/swin.js";
import type { VisionTransformer } from "../../src/models/vit.js";
import type { Branch } from "../../src/poa/branch.js";
import { buildBackbone, buildBranch, buildState } from "../../src/poa/build.js";
import { SoftmaxCentering } from "../../src/poa/centering.js";
import { resolveConfig } from "../../src/poa/config.js";
import type { Config } from "../../src/poa/config-keys.js";
import { searchSpace } from "../../src/poa/plan.js";
import { dispose, init } from "../../src/runtime/context.js";
import { shapesOnly } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { Tensor } from "../../src/tensor/tensor.js";
import { test } from "../support/test.js";
import { tinyConfig, tinyResnet, tinySwin } from "../support/tiny-run.js";

test("the teacher starts as a frozen copy of the student, in memory of its own", async () => {
  await init();
  const { student, teacher } = buildState(tinyConfig());
  const [ours, theirs] = [student.stateDict(), teacher.stateDict()];
  assert.equal([...theirs.keys()], [...ours.keys()]);
  for (const [name, x] of theirs) {
    assert.equal(x.toArray(), ours.get(name)!.toArray(), name);
    assert.is.not(x.storage, ours.get(name)!.storage);
    assert.not.ok(x.tracked);
    assert.ok(ours.get(name)!.tracked);
  }
});

test("the seed decides the numbers, the heads of both losses differ", async () => {
  await init();
  const weights = (seed: number) => {
    const { backbone, dino_head, ibot_head } = buildBranch(
      tinyConfig({
        train: { seed },
        ibot: { separate_head: true, head_n_prototypes: [6, 5], head_hidden_dim: 8, head_bottleneck_dim: 4 },
      }),
    );
    return [backbone, dino_head, ibot_head!].map((part) => part.parameters().flatMap((x) => Array.from(x.toArray())));
  };
  const [a, same, other] = [weights(1), weights(1), weights(2)];
  assert.equal(a, same);
  for (const i of a.keys()) assert.not.equal(a[i], other[i]);
  assert.not.equal(a[1], a[2]);
});

test("the backbone is the widest and deepest of the search space, with the config's options", async () => {
  await init();
  const student = { patch_size: 4, min_embed_dim: 4, max_embed_dim: 8, head_dim: 4, min_depth: 1, max_depth: 3 };
  const bare = {
    ...student,
    layerscale: 0,
    qkv_bias: false,
    ffn_bias: false,
    proj_bias: false,
    drop_path_rate: 0.3,
    drop_path_uniform: false,
  };
  const vitOf = (settings: object) =>
    buildBackbone(
      tinyConfig({ student: { arch: "vit_dynamic", ...settings } as object }),
      new Rng(0),
    ) as VisionTransformer;
  const backbone = vitOf(bare);
  assert.equal([backbone.width, backbone.depth, backbone.pos_embed.shape], [8, 3, [1, 5, 8]]);
  assert.is(backbone.blocks[0].ls1, null);
  assert.is(backbone.blocks[0].attn.qkv.bias, null);
  assert.is(backbone.blocks[0].mlp.fc2.bias, null);
  assert.equal(
    backbone.blocks.map(({ dropPathRate }) => dropPathRate),
    [0, 0.15, 0.3],
  );
  const scaled = vitOf({ ...student, layerscale: 0.25 });
  assert.is(scaled.blocks[2].ls2!.gamma.toArray()[0], 0.25);
});

test("every parameter is in one group of the optimiser", async () => {
  await init();
  const { student, optimizer } = buildState(tinyConfig());
  const grouped = optimizer.groups.flatMap(({ parameters }) => parameters.map(({ name }) => name));
  assert.equal(
    grouped.sort(),
    student
      .namedParameters()
      .map(([name]) => name)
      .sort(),
  );
});

test("targets are centred as the config says, each head on its own", async () => {
  await init();
  const sinkhorn = buildState(tinyConfig());
  assert.equal([sinkhorn.classCentering.length, sinkhorn.patchCentering.length], [2, 2]);
  assert.not.ok(sinkhorn.classCentering.some((centering) => centering instanceof SoftmaxCentering));
  const sizes = (separate: boolean) => {
    const { classCentering, patchCentering } = buildState(
      tinyConfig({ train: { centering: "centering" }, ibot: { separate_head: separate } }),
    );
    return [...classCentering, ...patchCentering].map((centering) => (centering as SoftmaxCentering).center.numel);
  };
  assert.equal(sizes(false), [6, 5, 6, 5]);
  assert.equal(sizes(true), [6, 5, 7, 4]);
});

test("every arch is built from the keys of its recipe", async () => {
  await init();
  const swin = tinySwin();
  const built = buildBackbone(swin, new Rng(0)) as SwinTransformer;
  assert.equal(architectureOf(built), {
    ...{ family: "swin", patchSize: 2, channels: 3, width: 8, embedWidth: 8, depths: [1, 1, 3, 1] },
    ...{ shifts: [[false], [false], [false, true, false], [false]], headDim: 4, windowSize: 2, mlpRatio: 4 },
    ...{ qkvBias: true, shiftSmallMaps: true, patchScale: 2 },
  });
  assert.equal(
    built.stages.flatMap(({ blocks }) => blocks.map(({ dropPathRate }) => dropPathRate)),
    [0, 1, 2, 3, 4, 5].map((i) => ((swin.student as { drop_path_rate: number }).drop_path_rate * i) / 5),
  );
  assert.equal(architectureOf(buildBackbone(tinyResnet(), new Rng(0))), {
    ...{ family: "resnet", channels: 3, stemChannels: 4, outChannels: 16, width: 8, depths: [1, 2, 2, 1] },
    ...{ strides: [1, 2, 1, 1], norm: "group", groups: 2, patchScale: 2 },
  });
});

test("slice_scale decides whether parts of backbone and heads make up for the inputs they lack", async () => {
  await init();
  const scalesOf = (branch: Branch): number[] => {
    const found: number[] = [];
    JSON.stringify(branch, (key, value) => {
      if (key === "inputScale") found.push(value);
      return value instanceof Tensor ? undefined : value;
    });
    return found;
  };
  const off = "student.slice_scale=false";
  const student = { slice_scale: false };
  for (const [config, without] of [
    [tinyConfig(), tinyConfig({ student: { ...tinyConfig().student, ...student } as object })],
    [tinySwin(), tinySwin(off)],
    [tinyResnet(), tinyResnet(off)],
  ] as const) {
    const [small] = searchSpace(config).distinct();
    const part = (of: Config) => {
      const branch = buildBranch(of);
      return { branch, scales: scalesOf(branch.slice(branch.backbone.slice(small))) };
    };
    const [scaled, plain] = [part(config), part(without)];
    assert.ok(scaled.scales.some((scale) => scale > 1));
    assert.is(plain.scales.length, scaled.scales.length);
    assert.ok(plain.scales.every((scale) => scale === 1));
    assert.equal(
      [...plain.branch.stateDict()].map(([name, x]) => [name, x.toArray()]),
      [...scaled.branch.stateDict()].map(([name, x]) => [name, x.toArray()]),
    );
    assert.equal(architectureOf(plain.branch.backbone), {
      ...architectureOf(scaled.branch.backbone),
      sliceScale: false,
    });
  }
});

test("heads take features of every width of a Swin, and of a ResNet always the same", async () => {
  await init();
  for (const [config, lengths] of [
    [tinySwin(), [32, 64]],
    [tinyResnet(), [128, 128]],
  ] as const) {
    const branch = buildBranch(config);
    const [small] = searchSpace(config).distinct();
    const part = branch.slice(branch.backbone.slice(small));
    assert.equal(
      [part, branch].map(({ dino_head }) => dino_head.mlp0["0"].weight.shape[1]),
      lengths,
    );
    const names = (module: typeof branch) => module.namedParameters().map(([name]) => name);
    assert.ok(names(part).every((name) => names(branch).includes(name)));
  }
});

test("the official runs have the published sizes, counted without memory", () => {
  dispose();
  const millions = (count: number) => Math.round(count / 1e5) / 10;
  for (const [preset, backbone, heads] of [
    ["vit_ee1200", 303.4, 58.9],
    ["swin_ee1200", 86.8, 58.9],
    ["resnet_ee2400", 172.6, 67.2],
  ] as const) {
    const branch = shapesOnly(() => buildBranch(resolveConfig({}, { preset }).config));
    assert.is(millions(branch.backbone.parameterCount), backbone);
    assert.is(millions(branch.dino_head.parameterCount), heads);
  }
});
