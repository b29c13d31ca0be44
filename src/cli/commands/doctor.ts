import { availableParallelism, cpus } from "node:os";
import { init } from "../../runtime/context.js";
import { detectFeatures } from "../../runtime/features.js";
import { full } from "../../tensor/create.js";
import type { Call, Command } from "../command.js";
import { version } from "../version.js";

export const doctor: Command = {
  name: "doctor",
  summary: "what this host offers, and whether the kernels run here",
  options: {},
  examples: ["poa doctor", "poa doctor --json"],
  async run(call, output) {
    const { simd, relaxed, sharedMemory } = detectFeatures();
    const { threads, memoryLimitBytes, problem } = await tryKernels(call);
    const runtime =
      "deno" in process.versions
        ? `Deno ${process.versions.deno}`
        : "bun" in process.versions
          ? `Bun ${process.versions.bun}`
          : `Node ${process.version}`;
    const fields = {
      version,
      runtime,
      build: call.simd,
      simd,
      relaxed,
      threads,
      cores: availableParallelism(),
      sharedMemory,
      memoryLimitBytes,
      kernelsRun: problem === null,
      ...(problem !== null && { problem }),
    };
    const yes = (flag: boolean) => (flag ? "yes" : "no");
    output.result(
      fields,
      [
        `poa ${version} on ${runtime}, ${cpus()[0]?.model.trim() ?? "unknown CPU"}`,
        `build          ${call.simd === "plain" ? "plain (128-bit, bit-equal on every host)" : "relaxed (fused multiply-add, rounds as this host does)"}`,
        `SIMD           ${yes(simd)}`,
        `relaxed SIMD   ${relaxed ? `yes${call.simd === "plain" ? ", with --simd relaxed" : ""}` : "no; Node has it from 22 on"}`,
        `threads        ${threads} of ${fields.cores} cores: this version computes on one thread`,
        `shared memory  ${yes(sharedMemory)}`,
        `memory limit   ${(memoryLimitBytes / 2 ** 30).toFixed(1)} GiB of linear memory`,
        `kernels        ${problem ?? "run here"}`,
      ].join("\n"),
    );
    return problem === null ? 0 : 1;
  },
};

/** Starts the runtime and one kernel: a host that cannot is what this verb is to tell about. */
async function tryKernels({
  threads: wanted,
  simd,
}: Call): Promise<{ threads: number; memoryLimitBytes: number; problem: string | null }> {
  try {
    const { threads, memoryLimitBytes } = await init({ threads: wanted, simd });
    const sum = [...full([4], 0.5).toArray()].reduce((total, value) => total + value, 0);
    const problem = sum === 2 ? null : `give wrong results: 4 × 0.5 is ${sum}`;
    return { threads, memoryLimitBytes, problem };
  } catch (error) {
    return { threads: 0, memoryLimitBytes: 0, problem: (error as Error).message };
  }
}
