import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import { BatchCrew, type CrewOptions } from "../../src/data/batch-crew.js";
import { MultiCrop } from "../../src/data/multi-crop.js";
import { openSource } from "../../src/data/source-spec.js";
import { ConfigError, DataError, ResourceError } from "../../src/errors.js";
import { init } from "../../src/runtime/context.js";
import { type HostWorker, startModuleWorker } from "../../src/runtime/host-worker.js";
import { imagesIn } from "../support/program.js";
import { tempFolder } from "../support/temp-folder.js";
import { test } from "../support/test.js";

await init();

const options = { globalCropsSize: 12, localCropsNumber: 0, blurKernel: 3 } as const;
const slots = new MultiCrop(options).allocate(4);
const source = await openSource(imagesIn(tempFolder(), 6));

const threadOf = (worker: HostWorker) => (worker as unknown as { worker: Worker }).worker;

/** A crew with its threads. */
async function crewOf(changes: Partial<CrewOptions> = {}) {
  const threads: Worker[] = [];
  const crew = await BatchCrew.start(source, {
    ...{
      workers: 2,
      recipe: source.recipe!,
      inputs: { kind: "crops", options },
      targets: [slots.globals, slots.locals],
    },
    ...{ batchSize: 4, seed: 0, channels: 3, strict: false, from: 0, held: 1 },
    start: (url) => {
      const worker = startModuleWorker(url);
      threads.push(threadOf(worker));
      return worker;
    },
    ...changes,
  });
  return { crew, threads };
}

/** What a promise is rejected with. */
async function rejected(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was fulfilled");
}

test("a worker that dies ends the batch that is waited for, and those after it", async () => {
  const { crew, threads } = await crewOf();
  (await crew.next()).copyInputs();
  await threads[1].terminate();
  for (let i = 0; i < 3; i++) {
    const error = await rejected(crew.next());
    assert.instance(error, ResourceError);
    assert.match(error.message, /a worker that prepares images ended .*--workers 0/);
  }
  crew.close();
});

test("a worker that dies while it is waited for ends the wait", async () => {
  const { crew, threads } = await crewOf({ held: 2 });
  (await crew.next()).copyInputs();
  const waiting = (async () => {
    for (;;) (await crew.next()).copyInputs();
  })();
  void threads[0].terminate();
  assert.instance(await rejected(waiting), ResourceError);
  crew.close();
});

test("a worker that dies before it is ready is told", async () => {
  const start = (url: string) => {
    const worker = startModuleWorker(url);
    void threadOf(worker).terminate();
    return worker;
  };
  assert.instance(await rejected(crewOf({ start })), ResourceError);
});

test("what a worker throws at its start or at an image arrives as it was thrown", async () => {
  const inputs = { kind: "crops", options: { ...options, flipProbability: 2 } } as const;
  const atStart = await rejected(crewOf({ inputs }));
  assert.instance(atStart, ConfigError);
  assert.match(atStart.message, /crops: flipProbability is 2/);
  const grey = { ...options, channels: 1, mean: [0], std: [1] };
  const { crew } = await crewOf({ inputs: { kind: "crops", options: grey } });
  const atImage = await rejected(crew.next());
  assert.instance(atImage, DataError);
  assert.match(atImage.message, /the image has 3 channels, expected 1/);
  crew.close();
});

test("images that are others by the time the workers look are an error", async () => {
  const folder = imagesIn(tempFolder(), 3);
  const before = await openSource(folder);
  rmSync(join(folder, "left/002.png"));
  const { targets, ...rest } = { targets: [slots.globals, slots.locals], batchSize: 4, seed: 0, channels: 3 as const };
  const error = await rejected(
    BatchCrew.start(before, {
      ...{ ...rest, targets, workers: 1, recipe: before.recipe!, inputs: { kind: "crops", options } },
      ...{ strict: false, from: 0, held: 1 },
    }),
  );
  assert.instance(error, DataError);
  assert.match(error.message, /the images changed while they were opened \(6 at first, then 5\)/);
});

test("no more batches are prepared than are held and one", async () => {
  const { crew } = await crewOf({ held: 1 });
  await crew.next();
  await crew.next();
  assert.match((await rejected(crew.next())).message, /batch 2 was wanted before earlier ones were copied/);
  crew.close();
});
