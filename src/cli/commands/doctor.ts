import { availableParallelism, cpus } from "node:os";
import { init } from "../../runtime/context.js";
import { detectFeatures } from "../../runtime/features.js";
import { fromArray } from "../../tensor/create.js";
import type { Command } from "../command.js";
import { version } from "../version.js";

export const doctor: Command = {
  name: "doctor",
  summary: "what this host offers, and whether the kernels run here",
  options: {},
  examples: ["poa doctor", "poa doctor --json"],
  async run(_call, output) {
    const { simd, relaxed, sharedMemory } = detectFeatures();
    const { threads, memoryLimitBytes } = await init();
    const kernelsRun = fromArray([1, 2, 3], [3]).toArray().join() === "1,2,3";
    const runtime =
      "deno" in process.versions
        ? `Deno ${process.versions.deno}`
        : "bun" in process.versions
          ? `Bun ${process.versions.bun}`
          : `Node ${process.version}`;
    const fields = {
      version,
      runtime,
      build: "simd",
      simd,
      relaxed,
      threads,
      cores: availableParallelism(),
      sharedMemory,
      memoryLimitBytes,
      kernelsRun,
    };
    const yes = (flag: boolean) => (flag ? "yes" : "no");
    output.result(
      fields,
      [
        `poa ${version} on ${runtime}, ${cpus()[0]?.model.trim() ?? "unknown CPU"}`,
        `build          simd (128-bit, bit-exact)`,
        `SIMD           ${yes(simd)}`,
        `relaxed SIMD   ${yes(relaxed)}, not used`,
        `threads        ${threads} of ${fields.cores} cores: this version computes on one thread`,
        `shared memory  ${yes(sharedMemory)}`,
        `memory limit   ${memoryLimitBytes / 2 ** 30} GiB of linear memory`,
      ].join("\n"),
    );
    return simd && kernelsRun ? 0 : 1;
  },
};
