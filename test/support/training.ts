import type { ImageSource } from "../../src/data/dataset.js";
import type { StateTensor } from "../../src/optim/moments.js";
import type { SavedTensor } from "../../src/optim/optimizer-state.js";
import type { Config } from "../../src/poa/config-keys.js";
import { type SavedTrainerState, type StepReport, Trainer } from "../../src/train/trainer.js";

const copied = (tensors: ReadonlyMap<string, StateTensor>): Map<string, SavedTensor> =>
  new Map([...tensors].map(([name, x]) => [name, { shape: x.shape, data: x.toArray() }]));

/** A trainer's state as a checkpoint would hold it. */
export function copiedState(trainer: Trainer): SavedTrainerState {
  const { settings, iteration, sampler, student, teacher, optimizer } = trainer.state();
  return {
    settings,
    iteration,
    sampler: { ...sampler },
    student: copied(student),
    teacher: copied(teacher),
    optimizer: copied(optimizer),
  };
}

/** A state as one text in which every bit counts. */
export function fingerprintOf({ iteration, sampler, student, teacher, optimizer }: SavedTrainerState): string {
  const parts = [student, teacher, optimizer].flatMap((tensors) =>
    [...tensors].map(([name, { data }]) => `${name} ${hex(data as Float32Array)}`),
  );
  return [iteration, JSON.stringify(sampler), ...parts].join("\n");
}

const hex = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex");

/** Trains `steps` steps. */
export async function train(trainer: Trainer, steps: number): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (let i = 0; i < steps; i++) reports.push(await trainer.step());
  return reports;
}

/** The state after so many steps of a new run, optionally continued from a state in between by another trainer. */
export async function stateAfter(
  config: Config,
  source: ImageSource,
  steps: number,
  { restartAt }: { restartAt?: number } = {},
): Promise<SavedTrainerState> {
  let trainer = new Trainer(config, source);
  try {
    if (restartAt !== undefined) {
      await train(trainer, restartAt);
      const saved = copiedState(trainer);
      trainer.dispose();
      trainer = new Trainer(config, source);
      trainer.restore(saved);
    }
    await train(trainer, steps - trainer.iteration);
    return copiedState(trainer);
  } finally {
    trainer.dispose();
  }
}
