import { availableParallelism } from "node:os";
import { init } from "../../runtime/context.js";
import { detectFeatures } from "../../runtime/features.js";
import { full } from "../../tensor/create.js";
import type { Call, Command } from "../command.js";
import { processorName } from "../host.js";
import { version } from "../version.js";

/** Numbers enough for every thread to have a share. */
const MANY = 1 << 20;

export const doctor: Command = {
  name: "doctor",
  summary: "what this host offers, and whether the kernels run here",
  options: {},
  examples: ["poa doctor", "poa doctor --json"],
  async run(call, output) {
    const { simd, relaxed, sharedMemory } = detectFeatures();
    const { threads, threadsProblem, memoryLimitBytes, problem } = await tryKernels(call);
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
      ...(threadsProblem !== null && { threadsProblem }),
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
        `poa ${version} on ${runtime}, ${processorName()}`,
        `build          ${call.simd === "plain" ? "plain (128-bit, bit-equal on every host)" : "relaxed (fused multiply-add, rounds as this host does)"}`,
        `SIMD           ${yes(simd)}`,
        `relaxed SIMD   ${relaxed ? `yes${call.simd === "plain" ? ", with --simd relaxed" : ""}` : "no; Node has it from 22 on"}`,
        `threads        ${threads}${threadsProblem ? `: ${threadsProblem}` : ""}`,
        `cores          ${fields.cores}`,
        `shared memory  ${yes(sharedMemory)}`,
        `memory limit   ${(memoryLimitBytes / 2 ** 30).toFixed(1)} GiB of linear memory`,
        `kernels        ${problem ?? "run here"}`,
      ].join("\n"),
    );
    return problem === null ? 0 : 1;
  },
};

/** Starts the runtime and one kernel: a host that cannot is what this verb is to tell about. */
async function tryKernels({ threads: wanted, simd }: Call): Promise<{
  threads: number;
  threadsProblem: string | null;
  memoryLimitBytes: number;
  problem: string | null;
}> {
  try {
    const { threads, threadsProblem, memoryLimitBytes } = await init({ threads: wanted, simd });
    const numbers = full([MANY], 0.5).toArray();
    const problem = numbers.every((x) => x === 0.5) ? null : "give wrong results: a fill with 0.5 leaves other numbers";
    return { threads, threadsProblem, memoryLimitBytes, problem };
  } catch (error) {
    return { threads: 0, threadsProblem: null, memoryLimitBytes: 0, problem: (error as Error).message };
  }
}
