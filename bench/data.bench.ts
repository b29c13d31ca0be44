import type { BenchCase, Prepared } from "../src/cli/bench/case.js";
import { resolveConfig } from "../src/poa/config.js";
import { Rng } from "../src/tensor/random.js";
import { BatchMaker } from "../src/train/crops.js";
import { PlainCrops } from "./data/plain-batch.js";

/** Of the images before they are cropped. */
const [WIDTH, HEIGHT] = [128, 96];

/** The crops of one batch of images that are decoded already, on the calling thread. */
function prepare(preset: string, plain: boolean): Prepared {
  const { config } = resolveConfig({}, { preset });
  const maker = new BatchMaker(config);
  const rng = new Rng(0);
  const count = config.train.batch_size_per_gpu;
  const images = Array.from({ length: count }, () => ({
    ...{ width: WIDTH, height: HEIGHT, channels: 3 },
    data: Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, () => rng.integer(0, 255)),
  }));
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  const byHand = new PlainCrops(maker);
  let pass = 0;
  return {
    run: () => {
      const batch = { images, indices, pass: pass++ };
      if (plain) byHand.write(batch);
      else maker.make(batch, 0, 0, false);
    },
    dispose: () => maker.dispose(),
  };
}

/** What workers make of it all: `npm run bench -- --pipeline`. */
export const cases: readonly BenchCase[] = ["vit-tiny", "vit-small"].flatMap((preset) =>
  [false, true].map((plain) => ({
    name: `data crops ${preset}${plain ? " in plain TypeScript" : ""}`,
    unit: "images/s",
    work: resolveConfig({}, { preset }).config.train.batch_size_per_gpu,
    prepare: () => prepare(preset, plain),
  })),
);
