import type { Network } from "../../elastic/space.js";
import { buildBackbone } from "../../poa/build.js";
import type { Config } from "../../poa/config-keys.js";
import { searchSpace } from "../../poa/plan.js";
import { shapesOnly } from "../../tensor/create.js";
import { Rng } from "../../tensor/random.js";
import type { BenchCase } from "../bench/case.js";
import { passesOf } from "../bench/model-passes.js";
import { tellTimes, timingOptions } from "../bench/timed-cases.js";
import type { Command } from "../command.js";
import { loadConfig } from "../config-file.js";

/** Operations of a multiply-add; both passes take three times those of the forward pass. */
const OPERATIONS = { forward: 2, backward: 6 } as const;

export const benchModel: Command = {
  name: "bench model",
  summary: "speed of a configuration's network on this host: both passes, and inference",
  overrides: true,
  options: {
    config: { value: "FILE", about: "configuration or preset", fallback: "vit-tiny" },
    net: { value: "NAME", about: "sub-network: 96x4, small, full", fallback: "full" },
    batch: { value: "N", about: "images of a pass", fallback: "8" },
    ...timingOptions,
  },
  examples: ["poa bench model", "poa bench model --config resnet-tiny --batch 1 --json"],
  async run(call, output) {
    const { config } = await loadConfig(call.required("config"), call.overrides);
    const network = searchSpace(config).parse(call.required("net"));
    await tellTimes(casesOf(config, network, call.integer("batch", 1)!), call, output);
    return 0;
  },
};

/** Both passes of a network with random weights over random images. */
function casesOf(config: Config, network: Network, batch: number): BenchCase[] {
  const side = config.crops.global_crops_size;
  const make = () => buildBackbone(config, new Rng(0)).slice(network);
  const multiplyAdds = batch * shapesOnly(make).multiplyAdds(side);
  const shapes = [{ at: network.name, side, batch }];
  return passesOf(config.student.arch.split("_")[0], shapes, make).map((pass) => {
    const kind = pass.name.includes("forward") ? "forward" : "backward";
    return { ...pass, unit: "GFLOP/s", work: OPERATIONS[kind] * multiplyAdds, images: batch };
  });
}
