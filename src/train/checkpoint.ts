import { join } from "node:path";
import { FormatError } from "../errors.js";
import type { Settings } from "../poa/decisive-settings.js";
import type { SamplerState } from "../poa/sampler.js";
import { CheckpointFiles, savedTensors } from "./checkpoint-files.js";
import type { SavedTrainerState, TrainerState } from "./trainer.js";

/** The checkpoints of a pre-training: student, teacher and optimiser of each saved step. */
export class CheckpointFolder extends CheckpointFiles {
  /**
   * Saves a checkpoint; see `write`.
   *
   * @param state  of the trainer, between steps
   * @param model  what the teacher's file says about the network, as JSON text
   */
  save({ settings, iteration, sampler, student, teacher, optimizer }: TrainerState, model: string): string {
    const ofRun = {
      "poa.sampler": JSON.stringify(sampler),
      ...(settings && { "poa.config": JSON.stringify(settings) }),
    };
    return this.write(iteration, [
      { name: "student", tensors: student },
      { name: "teacher", tensors: teacher, metadata: { "poa.model": model } },
      { name: "optimizer", tensors: optimizer, metadata: ofRun },
    ]);
  }

  /**
   * Reads one checkpoint whole.
   *
   * @throws FormatError if a file is damaged, ConfigError if it is of a newer format
   */
  load(step: number): SavedTrainerState {
    const [student, teacher, optimizer] = ["student", "teacher", "optimizer"].map((name) => this.read(step, name));
    const sampler = JSON.parse(optimizer.metadata.get("poa.sampler") ?? "null") as SamplerState | null;
    if (!sampler)
      throw new FormatError(`checkpoint: ${join(this.folderOf(step), "optimizer.safetensors")} lacks poa.sampler.`);
    const settings = JSON.parse(optimizer.metadata.get("poa.config") ?? "null") as Settings | null;
    return {
      ...(settings && { settings }),
      iteration: step,
      sampler,
      student: savedTensors(student.tensors),
      teacher: savedTensors(teacher.tensors),
      optimizer: savedTensors(optimizer.tensors),
    };
  }

  /** The newest checkpoint that can be read; see `newest`. */
  loadNewest(onWarning: (message: string) => void): SavedTrainerState | null {
    return this.newest((step) => this.load(step), onWarning);
  }
}
