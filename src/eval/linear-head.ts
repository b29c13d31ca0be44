import { scope, step } from "../autograd/tape.js";
import type { Encoder } from "../models/encoder.js";
import { bestClasses, type LinearHead, linearFeatures } from "../models/linear-head.js";
import { linear } from "../ops/linear.js";
import type { Recognizer } from "./robustness.js";

export type { LinearHead } from "../models/linear-head.js";

/**
 * An encoder whose features a linear classifier decides about (spec §7.2).
 *
 * @throws ShapeError when it is used on an encoder without those layers
 */
export function linearRecognizer(encoder: Encoder, { weight, bias, ...input }: LinearHead): Recognizer {
  return {
    form: encoder.spec,
    featuresOf: (images) => step(() => scope(() => linearFeatures(encoder.backbone, images, input))),
    classifier: {
      predict: (features) =>
        bestClasses(
          step(() => linear(features, weight, bias).toArray()),
          bias.numel,
        ),
    },
  };
}
