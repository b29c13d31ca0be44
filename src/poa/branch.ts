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

/** What one branch says about the global crops of a batch. */
export interface GlobalOutput {
  /** Class features before the head [2B, F]. */
  readonly features: Tensor;
  /** Logits [2B, K] per head. */
  readonly logits: readonly Tensor[];
  /** Logits of the masked patches [M, K] per head; empty while the patch loss is off. */
  readonly patch: readonly Tensor[];
}

/** A backbone with the projection heads behind it: teacher, intact student, or a part of the student. */
export class Branch extends Module {
  readonly backbone: Backbone;
  readonly dino_head: ProjectionHeads;
  /** Heads of the patch loss, where it has its own. */
  readonly ibot_head: ProjectionHeads | null;
  /** Whether blocks run again in the backward pass instead of keeping their activations. */
  private readonly recompute: boolean;

  constructor(backbone: Backbone, dinoHead: ProjectionHeads, ibotHead: ProjectionHeads | null, recompute = false) {
    super();
    this.recompute = recompute;
    this.backbone = backbone;
    this.dino_head = dinoHead;
    this.ibot_head = ibotHead;
  }

  /** A student's view of the global crops, with masks. */
  forwardGlobal(batch: PoaBatch, dropPath: DropPath): GlobalOutput {
    const { classToken, patch } = this.globalTokens(batch, {
      masks: batch.masked?.masks,
      dropPath,
      recompute: this.recompute,
    });
    return { features: classToken, ...this.heads(classToken, patch) };
  }

  /** A student's view of the local crops: logits [n·B, K] per head. */
  forwardLocal(crops: Tensor, dropPath: DropPath): Tensor[] {
    return this.dino_head.forward(this.backbone.classToken(crops, { dropPath, recompute: this.recompute }));
  }

  /**
   * The teacher's view: whole global crops only; logits of class tokens in swapped order, so that each meets the other crop's
   * student.
   */
  forwardTeacher(batch: PoaBatch): GlobalOutput {
    const { images } = batch;
    const { classToken, patch } = this.globalTokens(batch, {});
    const swapped = concatRows([classToken.narrow(0, images, images), classToken.narrow(0, 0, images)]);
    return { features: classToken, ...this.heads(swapped, patch) };
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

  /** One pass of the heads over class and patch tokens, where the two share them. */
  private heads(classTokens: Tensor, patch: Tensor | null): Omit<GlobalOutput, "features"> {
    if (!patch) return { logits: this.dino_head.forward(classTokens), patch: [] };
    if (this.ibot_head) return { logits: this.dino_head.forward(classTokens), patch: this.ibot_head.forward(patch) };
    const [classes, patches] = [classTokens.shape[0], patch.shape[0]];
    const all = this.dino_head.forward(concatRows([classTokens, patch])); //     [2B + M, K] per head
    return { logits: all.map((x) => x.narrow(0, 0, classes)), patch: all.map((x) => x.narrow(0, classes, patches)) };
  }
}
