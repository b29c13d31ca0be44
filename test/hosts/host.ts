import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { browserPath } from "../support/browser.js";
import { type ChromiumSetting, chromiumSettings, inChromium } from "./chromium.js";
import type { Conformance } from "./conformance.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A program of test/hosts/node_modules. */
export interface Program {
  readonly path: string;
  /** What is missing to run it, or null. */
  readonly missing: string | null;
}

function installed(name: string): Program {
  const path = `${root}test/hosts/node_modules/${name}`;
  return {
    path,
    missing: existsSync(path) ? null : "it is not installed: npm ci --prefix test/hosts --ignore-scripts",
  };
}

export const programs = {
  deno: installed("@deno/linux-x64-glibc/deno"),
  bun: installed("@oven/bun-linux-x64-baseline/bin/bun"),
} as const;

/** A host that the suite runs on. */
export interface Host {
  /** Its row in docs/hosts.md. */
  readonly name: string;
  /** Where in the host, if there are several places. */
  readonly setting?: ChromiumSetting;
  /** Whether threads are promised there, impossible, or as it comes. */
  readonly threads: "promised" | "impossible" | "open";
  /** What is missing to run it, or null. */
  readonly missing: string | null;
  run(): Promise<HostRun>;
}

export interface HostRun {
  readonly version: string;
  readonly found: Conformance;
}

const SUITE = `${root}dist/test/hosts/process.js`;

/** The hosts, in the order of the table. */
export const hosts: readonly Host[] = [
  ...[20, 22, 24, 26].map((major) => inProcess(`Node ${major}`, installed(`node${major}/bin/node`))),
  // No permission is asked for: the library needs none.
  inProcess("Deno", programs.deno, {
    args: ["run", "--no-prompt", "--no-remote", "--node-modules-dir=manual"],
  }),
  inProcess("Bun", programs.bun, { args: ["--no-install"], threads: "open" }),
  ...chromiumSettings.map(
    (setting): Host => ({
      name: "Chromium",
      setting,
      threads: setting.isolated ? "promised" : "impossible",
      missing: browserPath === undefined ? "no Chromium is installed" : null,
      run: () => inChromium(setting),
    }),
  ),
];

function inProcess(
  name: string,
  { path, missing }: Program,
  { args = [], threads = "promised" }: { args?: readonly string[]; threads?: Host["threads"] } = {},
): Host {
  return {
    name,
    threads,
    missing,
    async run() {
      const version = /\d+\.\d+\.\d+/.exec(await outputOf(path, ["--version"]))?.[0] ?? "unknown";
      const found = JSON.parse(await outputOf(path, [...args, SUITE])) as Conformance;
      return { version, found };
    },
  };
}

function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (errors += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${program} ended with ${signal ?? `code ${code}`}: ${errors || output}`));
    });
  });
}
