import * as assert from "uvu/assert";
import { BatchFeed } from "../../src/data/batch-feed.js";
import { openSource } from "../../src/data/source-spec.js";
import { TrainTransform } from "../../src/data/train-transform.js";
import { init } from "../../src/runtime/context.js";
import { folder, specs } from "../support/every-source.js";
import { test } from "../support/test.js";

await init();

const options = { size: 8, channels: 3, mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3], jitter: 0.4 } as const;
const transform = new TrainTransform(options);
const slot = transform.allocate(1);

/** Images of three batches of one, as workers or the calling thread make them. */
async function made(spec: string, workers: number): Promise<number[][]> {
  const source = await openSource(spec, { dataFolder: folder });
  const inputs = { kind: "labelled", options } as const;
  const feed = new BatchFeed(source, {
    ...{ batchSize: 1, seed: 0, channels: 3, inputs, targets: [slot], held: 1, workers },
  });
  const seen: number[][] = [];
  for (let i = 0; i < 3; i++) {
    const batch = await feed.read(i);
    assert.is("copyInputs" in batch, workers > 0);
    if ("copyInputs" in batch) batch.copyInputs();
    else transform.write(batch.images, { seed: 0, looks: batch.looks, indices: batch.indices }, slot);
    seen.push([...batch.indices, ...slot.toArray()]);
  }
  feed.close();
  return seen;
}

for (const spec of [...specs, "mnist#test@0..4"]) {
  test(`two workers read ${spec} as the calling thread does`, async () => {
    assert.equal(await made(spec, 2), await made(spec, 0));
  });
}
