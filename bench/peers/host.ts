import { execFileSync, spawn } from "node:child_process";
import { cpus } from "node:os";

/** The last core: interrupts and other programs prefer the first. */
export const PINNED_CORE = cpus().length - 1;

/** Whether processes can be held on one core here. */
export const pinning = canPin();

function canPin(): boolean {
  try {
    execFileSync("taskset", ["-c", String(PINNED_CORE), "true"], { stdio: "ignore" });
    return cpus().length > 1;
  } catch {
    return false;
  }
}

const SPIN = `
  const end = performance.now() + 400;
  let turns = 0;
  for (let x = 1; performance.now() < end; turns++) for (let i = 0; i < 1000; i++) x = (x * 16807) % 2147483647;
  console.log(turns);`;

function spin(core: number | null): Promise<number> {
  const command = core === null ? [process.execPath] : ["taskset", "-c", String(core), process.execPath];
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], [...command.slice(1), "-e", SPIN], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
    });
    child.on("error", reject);
    child.on("close", () => resolve(Number(text)));
  });
}

/**
 * How much two spinning processes get done against one: 2 on a machine with two idle cores. The median of five comparisons.
 */
export async function idleCores(): Promise<number> {
  const [first, second] = pinning ? [PINNED_CORE - 1, PINNED_CORE] : [null, null];
  const ratios: number[] = [];
  for (let i = 0; i < 5; i++) {
    const alone = await spin(second);
    const together = await Promise.all([spin(first), spin(second)]);
    ratios.push((together[0] + together[1]) / alone);
  }
  return ratios.sort((a, b) => a - b)[2];
}
