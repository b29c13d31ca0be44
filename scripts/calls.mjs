// Calls of the command line, a few at a time. The result of each is kept in a file and not computed again.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../dist/src/cli/config-file.js";
import { decisiveSettings } from "../dist/src/poa/decisive-settings.js";

const program = fileURLToPath(new URL("../dist/src/cli/main.js", import.meta.url));
/** What a shell would take apart. */
const SPECIAL = /[^\w@%+=:,./-]/;

/** Arguments as they would be typed. */
const typed = (args) => ["poa", ...args].map((word) => (SPECIAL.test(word) ? `'${word}'` : word)).join(" ");

export class Calls {
  /**
   * @param options.data  folder of the data sets
   * @param options.jobs  calls at a time, of one thread each
   * @param options.root  folder of the results
   */
  constructor({ data, jobs, root }) {
    this.env = { ...process.env, POA_DATA: data, POA_THREADS: "1" };
    this.data = data;
    this.root = root;
    this.free = jobs;
    this.waiting = [];
    this.asked = new Map();
    /** What has failed: the call, and below it what it said. */
    this.failures = [];
    this.stopping = new AbortController();
  }

  /**
   * The result of one call: what it prints last with `--json`.
   *
   * @param name  of its file below the folder of results, without `.json`
   * @param args  words after `poa`
   * @param options.of  what the result depends on besides: a file that was written for something else counts as none
   * @param options.before  run before a call that has to be made
   */
  once(name, args, options = {}) {
    if (!this.asked.has(name)) this.asked.set(name, this.find(name, args, options));
    return this.asked.get(name);
  }

  /** A pre-training: the path of its folder, and a text that is another for every other run. */
  async pretrain(name, { preset, data, settings }) {
    const path = join(this.root, name);
    const { config } = await loadConfig(preset, settings);
    const of = createHash("sha256")
      .update(JSON.stringify([data, decisiveSettings(config)]))
      .digest("hex");
    const args = ["pretrain", "--config", preset, "--data", data, "--out", path, ...settings];
    await this.once(name, args, {
      of,
      before: () => {
        for (const old of [path, `${path}-start`]) rmSync(old, { recursive: true, force: true });
      },
    });
    return { path, of };
  }

  /** The same run as it was before its first step. */
  start({ path, of }) {
    const start = `${path}-start`;
    const checkpoint = join("checkpoints", "000000000");
    if (!existsSync(join(start, "config.yaml"))) {
      cpSync(join(path, checkpoint), join(start, checkpoint), { recursive: true });
      cpSync(join(path, "config.yaml"), join(start, "config.yaml"));
    }
    return { path: start, of };
  }

  /** Ends the calls that run and makes no more. */
  stop() {
    this.stopping.abort();
  }

  async find(name, args, { of, before }) {
    const file = join(this.root, `${name}.json`);
    const call = typed(args);
    const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    if (known.call === call && known.of === of) return known.result;
    await this.place();
    try {
      this.stopping.signal.throwIfAborted();
      rmSync(file, { force: true });
      before?.();
      mkdirSync(dirname(file), { recursive: true });
      const started = performance.now();
      const result = await this.make(call, args);
      const seconds = (performance.now() - started) / 1000;
      // Under another name first, so that a stopped call leaves no half a file.
      writeFileSync(`${file}.new`, JSON.stringify({ call, of, seconds, result }));
      renameSync(`${file}.new`, file);
      console.error(`${seconds.toFixed(0).padStart(5)} s  ${call}`);
      return result;
    } finally {
      this.leave();
    }
  }

  make(call, args) {
    const options = { env: this.env, maxBuffer: 2 ** 28, signal: this.stopping.signal };
    return new Promise((done, fail) => {
      execFile(process.execPath, [program, ...args, "--json", "--quiet"], options, (error, stdout, stderr) => {
        if (!error) return done(JSON.parse(stdout.trim().split("\n").at(-1)));
        const failure = new Error(`${call}\n${stderr.trim() || error.message}`);
        if (!this.stopping.signal.aborted) {
          this.failures.push(failure);
          console.error(`failed   ${call}`);
        }
        return fail(failure);
      });
    });
  }

  /** Waits for one of the places in which calls run. */
  async place() {
    if (this.free > 0) this.free--;
    else await new Promise((enter) => this.waiting.push(enter));
  }

  /** Gives it to the next that waits. */
  leave() {
    const next = this.waiting.shift();
    if (next) next();
    else this.free++;
  }
}
