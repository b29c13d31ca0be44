import { step } from "../../src/autograd/tape.js";
import { ResNet } from "../../src/models/resnet.js";
import { sum } from "../../src/ops/reduce.js";
import { Rng } from "../../src/tensor/random.js";
import type { BenchCase, Prepared } from "../case.js";
import { random } from "../random.js";
import { resnets } from "../shapes.js";

type Shape = (typeof resnets)[number];

function network({ side, batch, ...options }: Shape) {
  const resnet = new ResNet({ ...options, norm: "group", rng: new Rng(0) });
  const images = random([batch, 3, side, side]);
  const dispose = () => {
    resnet.dispose();
    images.dispose();
  };
  return { resnet, images, dispose };
}

function backward(shape: Shape): Prepared {
  const { resnet, images, dispose } = network(shape);
  return { run: () => step(() => sum(resnet.classToken(images)).backward()), dispose };
}

function inference(shape: Shape): Prepared {
  const { resnet, images, dispose } = network(shape);
  resnet.requireGrad(false);
  return { run: () => step(() => void resnet.classToken(images)), dispose };
}

/** Both passes, and inference, over images that lie in memory already. */
export const cases: readonly BenchCase[] = resnets.flatMap((shape) => {
  const { at, side, batch } = shape;
  const size = `${at} ${side} pixels batch ${batch}`;
  return [
    { name: `resnet backward ${size}`, unit: "samples/s", work: batch, prepare: () => backward(shape) },
    { name: `resnet forward ${size}`, unit: "samples/s", work: batch, prepare: () => inference(shape) },
  ];
});
