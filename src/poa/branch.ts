import type { Backbone } from "../models/backbone.js";
import type { ForwardOptions } from "../models/features.js";
import type { DropPath } from "../nn/drop-path.js";
import { derive, Module } from "../nn/module.js";
import { concatRows } from "../ops/concat.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PoaBatch } from "./batch.js";
import type { ProjectionHeads } from "./head.js";

/** What one branch says about the crops; one tensor per head. */
export interface Logits {
  /** Of the local crops [n·B, K]; empty without local crops. */
  readonly local: readonly Tensor[];
  /** Of the global crops [2B, K]. */
  readonly global: readonly Tensor[];
}

/** What one branch says about a batch. */
export interface BranchOutput extends Logits {
  /** Class features of the global crops before the head [2B, F]. */
  readonly features: Tensor;
  /** Logits of the masked patches [M, K]; empty while the patch loss is off. */
  readonly patch: readonly Tensor[];
}

/** A backbone with the projection heads behind it: teacher, intact student, or a part of the student. */
export class Branch extends Module {
  readonly backbone: Backbone;
  readonly dino_head: ProjectionHeads;
  /** Heads of the patch loss, where it has its own. */
  readonly ibot_head: ProjectionHeads | null;

  constructor(backbone: Backbone, dinoHead: ProjectionHeads, ibotHead: ProjectionHeads | null) {
    super();
    this.backbone = backbone;
    this.dino_head = dinoHead;
    this.ibot_head = ibotHead;
  }

  /** The student's view of a batch: global crops with masks, local crops without, one pass of the heads over all tokens. */
  forward(batch: PoaBatch, dropPath: DropPath): BranchOutput {
    const global = this.globalTokens(batch, { masks: batch.masked?.masks, dropPath });
    const local = batch.locals ? this.backbone.classToken(batch.locals, { dropPath }) : null;
    return { features: global.classToken, ...this.heads(local, global.classToken, global.patch) };
  }

  /** The teacher's view: whole global crops only; class tokens in swapped order, so that each meets the other crop's student. */
  forwardTeacher(batch: PoaBatch): Pick<BranchOutput, "global" | "patch"> {
    const { images } = batch;
    const { classToken, patch } = this.globalTokens(batch, {});
    const swapped = concatRows([classToken.narrow(0, images, images), classToken.narrow(0, 0, images)]);
    return this.heads(null, swapped, patch);
  }

  /** Class tokens of the global crops, and the tokens at masked patches while the patch loss is on. */
  private globalTokens(
    { globals, masked }: PoaBatch,
    options: ForwardOptions,
  ): { classToken: Tensor; patch: Tensor | null } {
    if (!masked) return { classToken: this.backbone.classToken(globals, options), patch: null };
    const { classToken, patchTokens } = this.backbone.tokensAt(globals, masked.indices, options);
    return { classToken, patch: patchTokens };
  }

  /** The branch of a narrower network of the same family. */
  slice(backbone: Backbone): Branch {
    return derive<Branch>(this, {
      backbone,
      dino_head: this.dino_head.slice(backbone.featureDim),
      ibot_head: this.ibot_head?.slice(backbone.featureDim) ?? null,
    });
  }

  private heads(local: Tensor | null, global: Tensor, patch: Tensor | null): Omit<BranchOutput, "features"> {
    const shared = this.ibot_head ? null : patch;
    const tokens = [local, global, shared].filter((part) => part !== null);
    const logits = this.dino_head.forward(concatRows(tokens)); //                [n·B + 2B + M, K] per head
    const [locals, globals] = [local?.shape[0] ?? 0, global.shape[0]];
    const part = (start: number, rows: number) => (rows > 0 ? logits.map((l) => l.narrow(0, start, rows)) : []);
    return {
      local: part(0, locals),
      global: part(locals, globals),
      patch: patch && this.ibot_head ? this.ibot_head.forward(patch) : part(locals + globals, patch?.shape[0] ?? 0),
    };
  }
}
