import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { preloaded } from "../support/preloaded.js";
import { expectCode, program, tinyPretrain, workshop } from "../support/program.js";
import { leaveOut, test } from "../support/test.js";

const cwd = workshop();

/** Runs the program in a shell that has set a limit first. */
function underLimit(limit: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn("sh", ["-c", `ulimit ${limit} && exec "$0" "$@"`, process.execPath, program, ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk) => (stderr += chunk));
  return new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, stderr })),
  );
}

/** What ends with 5 under a limit can be resumed without it. */
function limitTest(name: string, { out, limit, message, env = {}, begun = true }: LimitCase): void {
  if (process.platform === "win32") {
    leaveOut(name, "there is no ulimit");
    return;
  }
  test(
    name,
    async () => {
      const { code, stderr } = await underLimit(limit, [...tinyPretrain.slice(0, -1), out], env);
      assert.is(code, 5, stderr);
      assert.match(stderr, message);
      assert.is(stderr.match(/^error: /gm)?.length, 1, stderr);
      assert.not.match(stderr, /unexpected|Left out/);
      assert.is(existsSync(join(cwd, out, "config.yaml")), begun);
      if (!begun) return;
      await expectCode(0, ["resume", out], { cwd });
      assert.ok(readdirSync(join(cwd, out, "checkpoints")).includes("000000008"));
    },
    { timeoutMs: 60_000 },
  );
}

interface LimitCase {
  readonly out: string;
  /** For the shell's ulimit. */
  readonly limit: string;
  readonly message: RegExp;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether there is a run by then. */
  readonly begun?: boolean;
}

limitTest("a process that may open no more files ends with 5 and names the image, which counts as no broken one", {
  out: "files",
  limit: "-n 500",
  message: /^error: .*\.png: cannot be read, since the host has nothing left for it \(EMFILE\)\. .*ulimit -n/m,
  env: preloaded("open-files"),
});

limitTest("a process that may write no large file ends with 5 and names the checkpoint", {
  out: "large",
  limit: "-f 40",
  message: /^error: .*checkpoints\/\d+.*: the file is larger than this process may write \(ulimit -f\)/m,
});

limitTest("a process without address space for WebAssembly ends with 5 before there is a run", {
  out: "space",
  limit: "-v 4000000",
  message: /^error: memory: the host refuses the first \d+ MiB of WebAssembly/m,
  begun: false,
});
