import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import * as assert from "uvu/assert";
import { main } from "../../src/cli/main.js";
import type { RawImage } from "../../src/data/dataset.js";
import { runConfigYaml, squareImage } from "./square-run.js";
import { tempFolder } from "./temp-folder.js";

/** The built program. */
export const program = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** What the program did. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout, with --json. */
  readonly events: readonly Record<string, unknown>[];
  /** The last of them. */
  readonly result: Record<string, unknown>;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves when stdout or stderr so far matches, or the program has ended. */
  said(pattern: RegExp): Promise<void>;
  readonly done: Promise<Ran>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly execArgv?: readonly string[];
  /** Of the user who runs it, in a process of its own. */
  readonly uid?: number;
}

/** Starts the built program in a process of its own. */
export function startPoa(args: readonly string[], { cwd, env, uid, execArgv = [] }: RunOptions = {}): Running {
  const { POA_DATA: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [...execArgv, program, ...args], {
    ...{ cwd, uid },
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
      for (const listener of listeners) listener();
    });
  }
  const done = new Promise<Ran>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      try {
        resolve({ code, signal, ...checked(args, text) });
      } catch (error) {
        reject(error);
      }
    });
  });
  const said = async (pattern: RegExp) => {
    const heard = new Promise<void>((resolve) => {
      const listener = () => {
        if (pattern.test(text.stdout) || pattern.test(text.stderr)) resolve();
      };
      listeners.add(listener);
      listener();
    });
    await Promise.race([heard, done.then(() => {})]);
  };
  return { child, said, done };
}

/** Runs the built program to its end in a process of its own, and expects an exit code. */
export async function expectExit(code: number, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return withCode(code, args, await startPoa(args, options).done);
}

/** The same in this process: a tenth of the time, for what does not depend on the process. */
export async function expectCode(
  code: number,
  args: readonly string[],
  { cwd = process.cwd(), env = {} }: Omit<RunOptions, "execArgv"> = {},
): Promise<Ran> {
  const before = { cwd: process.cwd(), env: { ...process.env } };
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write] as const;
  const text = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr") =>
    ((chunk: string) => {
      text[name] += chunk;
      return true;
    }) as typeof stdout.write;
  delete process.env.POA_DATA;
  Object.assign(process.env, env);
  process.chdir(cwd);
  [stdout.write, stderr.write] = [into("stdout"), into("stderr")];
  let got: number;
  try {
    got = await main(args);
  } finally {
    [stdout.write, stderr.write] = writes;
    process.chdir(before.cwd);
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before.env);
  }
  return withCode(code, args, { code: got, signal: null, ...checked(args, text) });
}

function withCode(code: number, args: readonly string[], ran: Ran): Ran {
  assert.is(ran.code, code, `poa ${args.join(" ")}\n${ran.stderr}${ran.stdout}`);
  return ran;
}

/** What holds for every call: stdout holds JSON lines alone with --json, and no stack trace appears without --debug. */
function checked(args: readonly string[], text: { stdout: string; stderr: string }) {
  const events = args.includes("--json") ? jsonLines(text.stdout) : [];
  if (!args.includes("--debug")) assert.not.match(text.stderr, /^\s+at .*:\d+:\d+/m);
  return { ...text, events, result: events.at(-1) ?? {} };
}

function jsonLines(stdout: string): Record<string, unknown>[] {
  if (stdout === "") return [];
  assert.ok(stdout.endsWith("\n"));
  return stdout
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** An image as a PNG file. */
export function pngOf({ width, height, data }: RawImage): Buffer {
  const png = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) png.data[4 * i + c] = data[3 * i + c];
    png.data[4 * i + 3] = 255;
  }
  return PNG.sync.write(png);
}

/** A folder with `perClass` images in each of the folders `left` and `right`. */
export function imagesIn(folder: string, perClass: number): string {
  for (let i = 0; i < 2 * perClass; i++) {
    const sub = join(folder, i % 2 === 0 ? "left" : "right");
    mkdirSync(sub, { recursive: true });
    writeFileSync(join(sub, `${String(i).padStart(3, "0")}.png`), pngOf(squareImage(i)));
  }
  return folder;
}

/** A temporary folder with a config of the smallest run, `tiny.yaml`, and 2 × 8 training images, `images`. */
export function workshop(): string {
  const folder = tempFolder({ "tiny.yaml": runConfigYaml() });
  imagesIn(join(folder, "images"), 8);
  return folder;
}

/** Arguments of a tiny pre-training in the folder `run` of a workshop. */
export const tinyPretrain = ["pretrain", "--config", "tiny.yaml", "--data", "images", "--out", "run"] as const;
