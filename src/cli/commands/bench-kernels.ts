import { kernelCases } from "../bench/kernel-cases.js";
import { tellTimes, timingOptions } from "../bench/timed-cases.js";
import type { Command } from "../command.js";

export const benchKernels: Command = {
  name: "bench kernels",
  summary: "speed of the kernels on this host, beside the best that it can do",
  options: timingOptions,
  examples: ["poa bench kernels", "poa bench kernels --simd relaxed --threads all --json"],
  async run(call, output) {
    await tellTimes(kernelCases, call, output);
    return 0;
  },
};
