import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, isAbsolute } from "node:path";
import { createInterface } from "node:readline";
import { PINNED_CORE, pinning } from "./host.js";
import type { PeerProgram } from "./peers.js";
import type { Reply, Request } from "./protocol.js";

/** Longest wait for an answer; the slowest peer takes about 20 s for a step, twice that to be checked. */
const PATIENCE_MS = 180_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL"); // a stopped process would outlive the run
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

/** A peer's process, stopped while it is not asked anything. */
export class Child {
  readonly versions: Readonly<Record<string, string>>;
  private readonly process: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly errors: string[];

  private constructor(
    child: ChildProcess,
    lines: AsyncIterator<string>,
    errors: string[],
    versions: Reply["versions"],
  ) {
    this.process = child;
    this.lines = lines;
    this.errors = errors;
    this.versions = versions ?? {};
  }

  /** @throws Error with the last of what the program printed, if it does not come up */
  static async start({ file, args, env, anyCore }: PeerProgram): Promise<Child> {
    const environment = { ...process.env, ...env };
    for (const [key, value] of Object.entries(environment)) if (value === undefined) delete environment[key];
    const pinned = pinning && !anyCore;
    const [command, all] = pinned ? ["taskset", ["-c", String(PINNED_CORE), file, ...args]] : [file, [...args]];
    if (isAbsolute(file) && !existsSync(file)) throw new Error(`${basename(file)} is not installed`);
    const child = spawn(command, all, { env: environment, stdio: ["pipe", "pipe", "pipe"] });
    running.add(child);
    child.on("exit", () => running.delete(child));
    const errors: string[] = [];
    child.stderr.on("data", (data) => {
      errors.push(String(data));
      errors.splice(0, errors.length - 20);
    });
    child.stdin.on("error", () => {}); // a process that has ended is noticed by its silence
    const failed = new Promise<never>((_, reject) => child.on("error", reject));
    failed.catch(() => {});
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const starting = new Child(child, lines, errors, undefined);
    const { versions } = await Promise.race([starting.receive(), failed]);
    child.kill("SIGSTOP");
    return new Child(child, lines, errors, versions);
  }

  /** @throws Error with the peer's reason */
  async ask(request: Request): Promise<Reply> {
    this.process.kill("SIGCONT");
    this.process.stdin?.write(`${JSON.stringify(request)}\n`);
    const reply = await this.receive();
    this.process.kill("SIGSTOP");
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply;
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  stop(): void {
    this.process.kill("SIGKILL");
  }

  private async receive(): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), PATIENCE_MS);
    });
    const next = await Promise.race([this.lines.next(), late]);
    clearTimeout(timer);
    if (next === "late") {
      this.stop();
      throw new Error(`no answer within ${PATIENCE_MS / 1000} s`);
    }
    if (next.done) {
      this.stop();
      throw new Error(`the process ended: ${lastWords(this.errors)}`);
    }
    return JSON.parse(next.value) as Reply;
  }
}

/** The line that says what went wrong, of what may be a stack trace, without the folders of this machine. */
function lastWords(errors: readonly string[]): string {
  const lines = errors
    .join("")
    .replace(/(?:\/[\w.@+-]+)+\/(?=[\w.@+-])/g, "")
    .split("\n");
  const named = lines.filter((line) => /^\s*(\w*Error\b|\[?cause)/.test(line));
  return (named.at(-1) ?? lines.filter((line) => line.trim()).at(-1) ?? "without a message").trim().slice(0, 200);
}
