import { searchSpace } from "../../poa/plan.js";
import { countWork } from "../../train/step-count.js";
import { stepCase } from "../bench/step-case.js";
import { tellTimes, timingOptions } from "../bench/timed-cases.js";
import type { Command } from "../command.js";
import { loadConfig } from "../config-file.js";

export const benchStep: Command = {
  name: "bench step",
  summary: "speed of a training step on this host: crops, all passes, update, teacher; all but reading images",
  overrides: true,
  options: {
    config: { value: "FILE", about: "configuration or preset", fallback: "demo" },
    net: { value: "NAME", about: "elastic network of every step", fallback: "full" },
    side: { value: "N", about: "side of the raw images in pixels (default that of a global crop)" },
    ...timingOptions,
  },
  examples: ["poa bench step", "poa bench step --config vit-tiny train.batch_size_per_gpu=16 --json"],
  async run(call, output) {
    const { config } = await loadConfig(call.required("config"), call.overrides);
    const side = call.integer("side", 1) ?? config.crops.global_crops_size;
    const network = searchSpace(config).parse(call.required("net")).name;
    const batch = config.train.batch_size_per_gpu;
    const name = `step ${call.required("config")} ${network} batch ${batch}`;
    const { multiplyAdds } = countWork(config, { image: { width: side, height: side } });
    const timed = stepCase({ name, config, side, network });
    await tellTimes([{ ...timed, unit: "GFLOP/s", work: 2 * multiplyAdds, images: batch }], call, output);
    return 0;
  },
};
