import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import type { VisionTransformer } from "../../src/models/vit.js";
import { buildBackbone, buildBranch, buildState } from "../../src/poa/build.js";
import { SoftmaxCentering } from "../../src/poa/centering.js";
import { resolveConfig } from "../../src/poa/config.js";
import { dispose, init } from "../../src/runtime/context.js";
import { shapesOnly } from "../../src/tensor/create.js";
import { Rng } from "../../src/tensor/random.js";
import { refuses } from "../support/refuses.js";
import { test } from "../support/test.js";
import { tinyConfig } from "../support/tiny-run.js";

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

test("a backbone family that is not trained yet is refused by name", async () => {
  await init();
  const { config } = resolveConfig({ student: { arch: "swin_dynamic" } });
  refuses(
    () => buildBackbone(config, new Rng(0)),
    ConfigError,
    "student.arch: swin_dynamic is not trained by this version; vit_dynamic is.",
  );
});

test("the official ViT run has the published sizes, counted without memory", () => {
  dispose();
  const branch = shapesOnly(() => buildBranch(resolveConfig({}).config));
  const millions = (count: number) => Math.round(count / 1e5) / 10;
  assert.is(millions(branch.backbone.parameterCount), 303.4);
  assert.is(millions(branch.dino_head.parameterCount), 58.9);
});
