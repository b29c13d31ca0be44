import type { BenchCase } from "../../src/cli/bench/case.js";
import { stepCase } from "../../src/cli/bench/step-case.js";
import { resolveConfig } from "../../src/poa/config.js";

interface Preset {
  readonly preset: string;
  /** Batch size and side of the raw images. */
  readonly images: number;
  readonly side: number;
  /** The elastic network of every step, from the middle of the space, so that runs compare. */
  readonly network: string;
  readonly onlyAs?: string;
}

const presets: readonly Preset[] = [
  { preset: "demo", images: 16, side: 28, network: "12x2" },
  { preset: "cifar-tiny", images: 64, side: 32, network: "64x3" },
  { preset: "vit-small", images: 8, side: 96, network: "256x9", onlyAs: "vit-small" },
];

export const cases: readonly BenchCase[] = presets.map(({ preset, images, side, network, onlyAs }) => {
  const { config } = resolveConfig({}, { preset, overrides: [`train.batch_size_per_gpu=${images}`] });
  return stepCase({ name: `poa step ${preset} ${network} batch ${images}`, config, side, network, onlyAs });
});
