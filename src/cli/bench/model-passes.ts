import { step } from "../../autograd/tape.js";
import type { Backbone } from "../../models/backbone.js";
import { sum } from "../../ops/reduce.js";
import type { BenchCase, Prepared } from "./case.js";
import { random } from "./seeded.js";

/** Images of a benchmark and where their network occurs. */
export interface PassShape {
  readonly at: string;
  readonly side: number;
  readonly batch: number;
}

/**
 * Both passes of a backbone to its class feature, and inference, over images that lie in memory already.
 *
 * @param family  how the cases are called
 * @param make  builds the network of a shape
 */
export function passesOf<S extends PassShape>(
  family: string,
  shapes: readonly S[],
  make: (shape: S) => Backbone,
): BenchCase[] {
  const prepared = (shape: S, inference: boolean): Prepared => {
    const network = make(shape);
    const images = random([shape.batch, 3, shape.side, shape.side]);
    if (inference) network.requireGrad(false);
    const pass = inference ? () => void network.classToken(images) : () => sum(network.classToken(images)).backward();
    return {
      run: () => step(pass),
      dispose: () => {
        network.dispose();
        images.dispose();
      },
    };
  };
  return shapes.flatMap((shape) => {
    const { at, side, batch } = shape;
    const size = `${at} ${side} pixels batch ${batch}`;
    return [
      { name: `${family} backward ${size}`, unit: "samples/s", work: batch, prepare: () => prepared(shape, false) },
      { name: `${family} forward ${size}`, unit: "samples/s", work: batch, prepare: () => prepared(shape, true) },
    ];
  });
}
