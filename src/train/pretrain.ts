import type { ImageSource } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import { type PartialConfig, resolveConfig } from "../poa/config.js";
import { eventTurns } from "./event-turn.js";
import { type StepReport, Trainer, type TrainerOptions } from "./trainer.js";

/** What happens on broken images and oddities, and what stops the run. */
export interface PretrainOptions extends TrainerOptions {
  /** Ends the iteration after the running step. */
  signal?: AbortSignal;
}

/** A run as something to iterate over: each turn trains one step. The trainer behind it holds the networks. */
export interface Pretraining extends AsyncIterable<StepReport> {
  readonly trainer: Trainer;
}

/**
 * Pre-trains in memory, without files.
 *
 * @param source  images (data/image-array.ts makes one of arrays)
 * @param settings  a config, or what differs from the official recipe of its backbone
 * @throws ConfigError with every problem of the settings; DataError if the images do not fill a step
 * @example
 * const run = pretrain(imageArray(images), presets.demo.settings);
 * for await (const { iteration, loss } of run) console.log(iteration, loss);
 * const small = run.trainer.model.teacher.backbone.slice({ width: 32, depth: 2 });
 */
export function pretrain(
  source: ImageSource,
  settings: PartialConfig,
  { signal, ...options }: PretrainOptions = {},
): Pretraining {
  const { config } = resolveConfig(settings);
  if (config.evaluation.knn !== null) {
    throw new ConfigError(
      "pretrain: evaluation.knn is for runs with a folder (poa pretrain). Leave it null, and evaluate trainer.encoder() between steps.",
    );
  }
  const trainer = new Trainer(config, source, options);
  return {
    trainer,
    async *[Symbol.asyncIterator]() {
      const nextTurn = eventTurns();
      try {
        while (!trainer.finished && !signal?.aborted) {
          yield await trainer.step();
          await nextTurn();
        }
      } finally {
        trainer.close();
      }
    },
  };
}
