// Decodes image files in a process of its own, so that the memory it takes is that of decoding and of nothing before.
// As a program it reads requests from stdin, one JSON array, and answers with one.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decode } from "../../src/data/decode.js";
import type { AlphaRule } from "../../src/data/decode-png.js";
import { DataError } from "../../src/errors.js";
import { imageFixture, means } from "./image-fixtures.js";

export interface DecodeRequest {
  readonly path: string;
  readonly alpha?: AlphaRule;
}

/** What became of a file. */
export interface Decoded {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  /** Red, green, blue. */
  readonly means: readonly number[];
  /** Message, if the file was refused. */
  readonly refused: string | null;
  /** By how much resident memory rose above that before the file, at its highest. */
  readonly grownBytes: number;
  readonly elapsedMs: number;
}

const program = fileURLToPath(import.meta.url);

/** Decodes files one after the other. @throws if the process ends otherwise than by answering, or takes a minute */
export function decodedApart(requests: readonly DecodeRequest[]): Decoded[] {
  const options = { input: JSON.stringify(requests), encoding: "utf8", timeout: 60_000, maxBuffer: 2 ** 28 } as const;
  return JSON.parse(execFileSync(process.execPath, [program], options)) as Decoded[];
}

/** Bytes of a row of /proc/self/status; null on other systems. */
function statusBytes(row: string): number | null {
  try {
    const found = new RegExp(`^${row}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"));
    return found && Number(found[1]) * 1024;
  } catch {
    return null;
  }
}

/** Lets the highest resident size be that of now, where the system can. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // the peak since the start then, which is no less
  }
}

const peakBytes = () => statusBytes("VmHWM") ?? process.resourceUsage().maxRSS * 1024;

async function outcomeOf({
  path,
  alpha,
}: DecodeRequest): Promise<Pick<Decoded, "width" | "height" | "means" | "refused">> {
  try {
    const { image } = await decode(new Uint8Array(readFileSync(path)), { path, alpha });
    return { width: image.width, height: image.height, means: means(image), refused: null };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { width: 0, height: 0, means: [], refused: error.message };
  }
}

async function answer(): Promise<void> {
  // The decoders themselves are loaded before anything is measured.
  for (const path of ["png-suite/basn2c08.png", "jpeg-odd/hopper.jpg", "webp/hopper.webp"])
    await decode(imageFixture(path));
  const answers: Decoded[] = [];
  for (const request of JSON.parse(readFileSync(0, "utf8")) as DecodeRequest[]) {
    const before = process.memoryUsage.rss();
    forgetPeak();
    const start = performance.now();
    const outcome = await outcomeOf(request);
    const elapsedMs = performance.now() - start;
    answers.push({ path: request.path, ...outcome, grownBytes: peakBytes() - before, elapsedMs });
  }
  process.stdout.write(JSON.stringify(answers));
}

if (process.argv[1] === program) await answer();
