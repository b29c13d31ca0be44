import * as assert from "uvu/assert";
import type { PartialConfig } from "../../src/poa/config-keys.js";
import { problemOf, problemsOf } from "../support/config-problems.js";
import { test } from "../support/test.js";

const swin = { arch: "swin_dynamic" } as const;
const resnet = { arch: "resnet_dynamic" } as const;

test("settings that do not fit together are refused at the one that was written", () => {
  const cases: [PartialConfig, string, RegExp][] = [
    [
      { student: { head_dim: 60 } },
      "student.head_dim",
      /min_embed_dim 384 is not a multiple of student\.head_dim 60; 360 or 420 is/,
    ],
    [
      { student: { max_embed_dim: 320 } },
      "student.max_embed_dim",
      /min_embed_dim 384 is larger than student\.max_embed_dim 320/,
    ],
    [
      { student: { width_interval: 3 } },
      "student.width_interval",
      /head_dim · width_interval = 192 end at 960, before/,
    ],
    [{ student: { min_depth: 30 } }, "student.min_depth", /larger than student\.max_depth 24/],
    [{ student: { depth_interval: 5 } }, "student.depth_interval", /end at 22, before student\.max_depth 24/],
    [{ student: { ...swin, min_s3_depth: 19 } }, "student.min_s3_depth", /the third of student\.max_depths, 18/],
    [
      { student: { ...resnet, min_depths: [3, 9, 6, 3] } },
      "student.min_depths",
      /9 blocks in stage 2, student\.max_depths only 8/,
    ],
    [
      { student: { ...resnet, min_depths: [2, 4, 6, 3] } },
      "student.min_depths",
      /stage 1 .*only stages 2 and 3 may vary/,
    ],
    [
      { student: { ...resnet, num_gn_groups: 24 } },
      "student.num_gn_groups",
      /base_channels 64 is not a multiple .*24; 48 or 72 is/,
    ],
    [
      { student: { ...resnet, strides: [1, 2, 2, 1] } },
      "student.strides",
      /last map of 14 x 14, enlarged .* does not match masks of 14 x 14 .*set train\.scale_for_num_patch to 2,/,
    ],
    [
      { student: { ...swin, ibot_scale_factor: 1 } },
      "student.ibot_scale_factor",
      /last map of 7 x 7.*set train\.scale_for_num_patch to 8,/,
    ],
    [{ student: { ...swin, ibot_scale_factor: 3 } }, "student.ibot_scale_factor", /8 patches a side.*a divisor/],
    [
      { student: swin, train: { scale_for_num_patch: 3 }, crops: { global_crops_size: 48 } },
      "train.scale_for_num_patch",
      /last map of 2 x 2, .*change crops\.global_crops_size/,
    ],
    [
      { crops: { local_crops_size: 100 } },
      "crops.local_crops_size",
      /100 is not a multiple of student\.patch_size 16; 96 or 112 is/,
    ],
    [{ train: { scale_for_num_patch: 2 } }, "train.scale_for_num_patch", /a ViT masks single patches/],
    [{ crops: { jitter: [0.4, 0.4, 0.2, 0.6] } }, "crops.jitter", /hue, is 0\.6; at most 0\.5/],
    [
      { crops: { local_crops_size: 16, blur_kernel: 63 } },
      "crops.blur_kernel",
      /a crop of 16 pixels and its reflection; at most 31/,
    ],
    [{ train: { batch_size_per_gpu: 1 } }, "train.batch_size_per_gpu", /KoLeo loss needs a neighbour/],
    [{ ibot: { mask_sample_probability: 0 } }, "ibot.mask_sample_probability", /masks none/],
    [
      { teacher: { momentum_teacher: 1 } },
      "teacher.momentum_teacher",
      /larger than teacher\.final_momentum_teacher 0\.9999/,
    ],
    [{ optim: { epochs: 5 } }, "optim.epochs", /warmup_epochs 10 is longer than the run, optim\.epochs 5/],
    [{ optim: { lr: 1e-6 } }, "optim.lr", /min_lr 0\.00002 is larger than optim\.lr 0\.000001/],
    [
      { student: { samples_per_step: 0 } },
      "student.samples_per_step",
      /dino\.lambda_ie 0\.8 leaves a share of the loss to elastic networks.*set dino\.lambda_ie to 1/,
    ],
    [
      { student: { head_dim: 1, min_embed_dim: 1, max_embed_dim: 65536 } },
      "student.max_embed_dim",
      /851968 networks, more than 100000/,
    ],
  ];
  for (const [input, path, message] of cases) {
    const found = problemOf(input);
    assert.is(found.path, path, found.message);
    assert.match(found.message, message);
  }
});

test("rules about masks rest when the masked-patch loss is off", () => {
  const student = { ...resnet, strides: [1, 2, 2, 1] };
  assert.equal(problemsOf({ ibot: { loss_weight: 0, mask_sample_probability: 0 }, student }), []);
  assert.equal(problemsOf({ dino: { koleo_loss_weight: 0 }, train: { batch_size_per_gpu: 1 } }), []);
  assert.equal(problemsOf({ dino: { lambda_ie: 1 }, student: { samples_per_step: 0 } }), []);
});
