import { noGrad, step } from "../../src/autograd/tape.js";
import { batches, type ImageBatch } from "../../src/data/loader.js";
import type { Module } from "../../src/nn/module.js";
import { concatRows } from "../../src/ops/concat.js";
import type { PoaBatch } from "../../src/poa/batch.js";
import { buildState, CHANNELS } from "../../src/poa/build.js";
import type { Centering } from "../../src/poa/centering.js";
import { total } from "../../src/poa/learn.js";
import { planRun, searchSpace } from "../../src/poa/plan.js";
import { NetworkSampler } from "../../src/poa/sampler.js";
import { accumulateGradients, applyUpdate, clipBySubModule, type PoaState } from "../../src/poa/step.js";
import { alone } from "../../src/runtime/collective.js";
import { runtime } from "../../src/runtime/context.js";
import { fromArray } from "../../src/tensor/create.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { BatchMaker } from "../../src/train/crops.js";
import { configOfRank, shareOf } from "../../src/train/rank-share.js";
import { schedulesOf } from "../../src/train/schedules.js";
import { stepSettings } from "../../src/train/step-settings.js";
import { gradientOf } from "./gradient.js";
import { runConfig, squareSource } from "./square-run.js";

/** A tiny run on several ranks. */
export interface RankRun {
  readonly overrides: readonly string[];
  readonly images: number;
  readonly steps: number;
  readonly deterministic: boolean;
}

/** What came of it. */
export interface TrainedSteps {
  readonly reports: readonly {
    readonly loss: number;
    readonly losses: Readonly<Record<string, number>>;
    readonly gradientNorms: Readonly<Record<string, number>>;
    readonly networks: readonly string[];
  }[];
  /** Of the student before clipping, per step. */
  readonly gradients: readonly (readonly number[])[];
  /** Student, teacher and centres at the end. */
  readonly state: readonly number[];
}

/** What lies in the gradients of a module after an update. */
export function summedGradients(module: Module): number[] {
  const { f32 } = runtime().heap;
  return module.parameters().flatMap(({ numel, storage: { gradient } }) => {
    return gradient ? [...f32.subarray(gradient.ptr / 4, gradient.ptr / 4 + numel)] : new Array<number>(numel).fill(0);
  });
}

export function recordedState({ student, teacher, classCentering, patchCentering }: PoaState): number[] {
  const centers = [...classCentering, ...patchCentering].flatMap((centering) =>
    "center" in centering ? [centering.center as Tensor] : [],
  );
  return [...student.parameters(), ...teacher.parameters(), ...centers].flatMap((x) => [...x.toArray()]);
}

/** One rank as a part of a single process. */
interface RankPart {
  readonly maker: BatchMaker;
  readonly sampler: NetworkSampler;
  readonly images: AsyncIterator<ImageBatch>;
  readonly own: ReturnType<typeof runConfig>;
}

/**
 * The same run in a single process: the batches and sub-networks of all ranks one after the other, with targets from the rows of
 * all of them at once, and gradients that are averaged by adding them up with a share each. Uses no code that knows of ranks but
 * what divides the images and names the draws.
 */
export async function oneAfterTheOther(size: number, { overrides, images, steps }: RankRun): Promise<TrainedSteps> {
  const config = runConfig(...overrides);
  const source = squareSource(images);
  const state = buildState(config);
  const plan = planRun(config, { images, processes: size });
  const schedules = schedulesOf(config, plan);
  const space = searchSpace(config);
  const { seed, batch_size_per_gpu: batchSize } = config.train;
  const parts = Array.from({ length: size }, (_, rank): RankPart => {
    const at = { ...alone, rank, size };
    const own = configOfRank(config, at);
    const stream = batches(shareOf(source, seed, at), { batchSize, seed: own.train.seed, channels: CHANNELS });
    return {
      own,
      maker: new BatchMaker(own),
      sampler: new NetworkSampler({
        ...{ networks: space.length, seed, rank },
        samplesPerStep: config.student.samples_per_step,
      }),
      images: stream[Symbol.asyncIterator](),
    };
  });
  const reports = [];
  const gradients = [];
  for (let iteration = 0; iteration < steps; iteration++) {
    const samples = await Promise.all(parts.map(async (part) => (await part.images.next()).value as ImageBatch));
    const made = parts.map(({ maker }, r) => maker.make(samples[r], iteration, 0, iteration >= plan.ibotStart));
    const targets = sharedTargets(state, made, schedules.teacherTemperature(iteration));
    const networks = parts.map(({ sampler }) => sampler.next().map((id) => space.at(id)));
    const values = parts.map(({ own }, r) => {
      const settings = stepSettings(own, state.student.backbone, { iteration, networks: networks[r] });
      const withTargets = { ...state, ...targets[r] };
      return accumulateGradients(withTargets, made[r], { ...settings, teacherTemperature: Number.NaN }, 1 / size);
    });
    gradients.push(state.student.parameters().flatMap((x) => [...Array.from(gradientOf(x))]));
    const { loss, logged } = total(values, 1 / size);
    const gradientNorms = clipBySubModule(state.student, config.optim.clip_grad);
    applyUpdate(state, {
      lr: schedules.lr(iteration),
      lastLayerLr: schedules.lastLayerLr(iteration),
      weightDecay: schedules.weightDecay(iteration),
      momentum: schedules.momentum(iteration),
    });
    reports.push({ loss, losses: logged, gradientNorms, networks: networks.flat().map(({ name }) => name) });
  }
  return { reports, gradients, state: recordedState(state) };
}

/** For each batch centerings that give its rows of the targets of all batches. */
function sharedTargets(
  { teacher, classCentering, patchCentering }: PoaState,
  made: readonly PoaBatch[],
  temperature: number,
): Pick<PoaState, "classCentering" | "patchCentering">[] {
  return step(() =>
    noGrad(() => {
      const outputs = made.map((batch) => teacher.forwardTeacher(batch));
      const dealt = (
        centerings: readonly Centering[],
        of: (output: (typeof outputs)[number], h: number) => Tensor | undefined,
      ) =>
        centerings.map((centering, h) => {
          const rows = outputs.map((output) => of(output, h));
          const all = rows.filter((x) => x !== undefined);
          if (all.length === 0) return rows.map(() => null);
          const joined = centering.targets(concatRows(all), temperature);
          let begin = 0;
          return rows.map((x) => {
            if (!x) return null;
            const part = joined.narrow(0, begin, x.shape[0]);
            begin += x.shape[0];
            return { shape: part.shape, data: part.toArray() };
          });
        });
      const classes = dealt(classCentering, ({ logits }, h) => logits[h]);
      const patches = dealt(patchCentering, ({ patch }, h) => patch[h]);
      const given = (of: ReturnType<typeof dealt>, r: number): Centering[] =>
        of.map((heads) => ({
          targets: () => fromArray(heads[r]!.data, heads[r]!.shape),
          mark: () => () => {},
        }));
      return made.map((_, r) => ({ classCentering: given(classes, r), patchCentering: given(patches, r) }));
    }),
  );
}
