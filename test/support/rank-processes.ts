import { readdirSync, readFileSync } from "node:fs";

/** The process of a rank that an mpirun has started on this host, which /proc tells; null if it is not there. */
export function processOfRank(mpirun: number, rank: number): number | null {
  for (const name of readdirSync("/proc")) {
    try {
      if (!/^\d+$/.test(name)) continue;
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
      if (Number(parent) !== mpirun) continue;
      const variables = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      if (variables.includes(`OMPI_COMM_WORLD_RANK=${rank}`)) return Number(name);
    } catch {} // it has ended meanwhile
  }
  return null;
}

/** The same, waited for. */
export async function startedRank(mpirun: number, rank: number): Promise<number> {
  for (;;) {
    const pid = processOfRank(mpirun, rank);
    if (pid !== null) return pid;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
