// The program of a worker that decodes and augments images (batch-crew.ts starts it).
import { parentPort } from "node:worker_threads";
import { DataError } from "../errors.js";
import { init, runtime } from "../runtime/context.js";
import type { Tensor } from "../tensor/tensor.js";
import {
  type BatchShare,
  type BatchTask,
  type CrewAnswer,
  type CrewFind,
  type CrewStart,
  outlineOf,
  type SourceOutline,
  sent,
} from "./crew-messages.js";
import { inParallel } from "./in-parallel.js";
import { openRecipe } from "./open-recipe.js";
import { lookAt, PassOrders, placesOf } from "./order.js";
import { PlaceReader } from "./place-reader.js";
import { sampleInputs } from "./sample-inputs.js";

/** Files that are open at the same time, so that one is decoded while others are on their way from the disk. */
const PARALLEL_READS = 4;

const port = parentPort!;
port.once("message", async (start: CrewStart) => {
  try {
    const prepare = await ready(start);
    let last: Promise<void> = Promise.resolve();
    port.on("message", (task: BatchTask) => {
      last = last.then(async () => port.postMessage(await prepare(task)));
    });
    port.postMessage(null satisfies CrewAnswer);
  } catch (error) {
    port.postMessage(sent(error) satisfies CrewAnswer);
  }
});

/** @returns prepares this worker's share of a batch */
async function ready(start: CrewStart): Promise<(task: BatchTask) => Promise<BatchShare>> {
  const { order, channels, strict, workers, worker } = start;
  await init({ threads: 1, simd: start.simd });
  const source = await openRecipe(start.source, 1 / workers, (decoded) =>
    port.postMessage({ decoded } satisfies CrewFind),
  );
  expectSame(outlineOf(source), start.outline, source.name);
  source.fingerprint(); // from here on a file that changes is noticed
  const inputs = sampleInputs(start.inputs);
  const slots = start.slots.map((buffer) => new Float32Array(buffer));
  const plan = { length: source.length, batchSize: order.batchSize, dropLast: true };
  const orders = new PassOrders(source.length, order);
  const places = new PlaceReader(source, {
    ...{ batchSize: order.batchSize, repeats: order.repeats },
    channels,
    broken: strict ? "throw" : "replace",
  });

  return async ({ iteration, slot }) => {
    const { pass, begin, count } = placesOf(iteration, plan);
    const visited = orders.of(pass);
    // By image and not by place, so that what a worker has kept of an image serves in every pass.
    const mine = Array.from({ length: count }, (_, i) => i).filter((i) => visited[begin + i] % workers === worker);
    const share = { iteration, prepared: [] as [number, number][], met: [] as BatchShare["met"][number][] };
    let failure: BatchShare["failure"] = null;
    await inParallel(mine.length, PARALLEL_READS, async (i) => {
      const position = mine[i];
      try {
        const { filled, met } = await places.read(visited, begin + position);
        for (const index of met) share.met.push({ position, index, reason: places.reasons.get(index)! });
        if (!filled) return;
        const look = lookAt(pass, begin + position, order.repeats);
        inputs.make(filled.image, { seed: order.seed, look, index: filled.index });
        deliver(inputs.tensors, slots[slot], position, order.batchSize);
        share.prepared.push([position, filled.index]);
      } catch (error) {
        if (!failure || position < failure.position) failure = { position, error: sent(error) };
      }
    });
    return { ...share, failure };
  };
}

/** @throws DataError if the images are not those that the calling thread has found */
function expectSame(found: SourceOutline, wanted: SourceOutline, name: string): void {
  if (found.length === wanted.length && found.paths.every((path, i) => path === wanted.paths[i])) return;
  throw new DataError(
    `${name}: the images changed while they were opened (${wanted.length} at first, then ${found.length}). Start again when they are complete.`,
  );
}

/** Copies the inputs of one image to where those of a batch lie. */
function deliver(tensors: readonly Tensor[], slot: Float32Array, position: number, batch: number): void {
  const { f32 } = runtime().heap;
  let part = 0;
  for (const { ptr, shape, numel } of tensors) {
    const [rows] = shape;
    const length = rows > 0 ? numel / rows : 0;
    for (let row = 0; row < rows; row++) {
      const from = ptr / 4 + row * length;
      slot.set(f32.subarray(from, from + length), part + (row * batch + position) * length);
    }
    part += batch * numel;
  }
}
