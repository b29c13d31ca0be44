import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { kernels, setKernels } from "../../src/runtime/launch.js";
import { Tensor } from "../../src/tensor/tensor.js";

/** Where a test file leaves what it measured (scripts/ops-docs.mjs); unset: nowhere, and nothing is noted. */
const folder = process.env.POA_TEST_RECORD;

/** What comparisons with a reference have found about one kernel. */
export interface KernelRecord {
  cases: number;
  /** Of them, those in which two ranges or more had something to do. */
  splitCases: number;
  /** Largest |a − b| / max(1, |b|); of bytes, levels. */
  error: number;
  unit: "f32" | "i32" | "u8";
}

/** What tests have seen of one op. */
export interface OpRecord {
  /** Calls that returned a result. */
  calls: number;
  /** Of them, those with a strided view among the inputs. */
  stridedCalls: number;
  /** Whether a strided view was refused as such. */
  refusesStrided: boolean;
  /** Whether a result carried a gradient. */
  differentiable: boolean;
  gradientChecks: number;
  /** Largest relative error of a gradient in double precision. */
  gradientError: number;
  forwardKernels: string[];
  /** Seen where the op was checked alone. */
  backwardKernels: string[];
}

export interface Recorded {
  kernels: Record<string, KernelRecord>;
  ops: Record<string, OpRecord>;
}

const recorded: Recorded = { kernels: {}, ops: {} };
/** Names of the ops that the running gradient check calls. */
let checked: Set<string> | null = null;
let insideOp = false;

if (folder !== undefined)
  process.on("exit", () => writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(recorded)));

/** Notes one comparison of a kernel with its reference. */
export function noteKernelCase(name: string, found: Pick<KernelRecord, "error" | "unit"> & { split: boolean }): void {
  if (folder === undefined) return;
  recorded.kernels[name] ??= { cases: 0, splitCases: 0, error: 0, unit: found.unit };
  const entry = recorded.kernels[name];
  entry.cases++;
  if (found.split) entry.splitCases++;
  if (entry.unit !== "f32" && found.unit === "f32") Object.assign(entry, { unit: "f32", error: 0 });
  if (entry.unit === found.unit) entry.error = Math.max(entry.error, found.error);
}

/** Runs fn, the differentiated function of a gradient check, and returns its result with the ops that it called. */
export function watchChecked<T>(fn: () => T): { result: T; ops: ReadonlySet<string> } {
  const ops = new Set<string>();
  const before = checked;
  checked = ops;
  try {
    return { result: fn(), ops };
  } finally {
    checked = before;
  }
}

/** Runs a backward pass whose kernels belong to the op, if it is the only one. `seed` does what every backward pass begins with. */
export function watchBackward(ops: ReadonlySet<string>, { seed, run }: { seed: () => void; run: () => void }): void {
  const [only] = ops;
  if (folder === undefined || ops.size !== 1) {
    run();
    return;
  }
  const seeding = kernelCalls(seed).calls;
  const { backwardKernels } = opRecord(only);
  for (const [kernel, calls] of kernelCalls(run).calls)
    if (calls > (seeding.get(kernel) ?? 0) && !backwardKernels.includes(kernel)) backwardKernels.push(kernel);
}

/** Notes the largest error that a gradient check of these ops has found. */
export function noteGradient(ops: ReadonlySet<string>, error: number): void {
  for (const name of ops) {
    const entry = opRecord(name);
    entry.gradientChecks++;
    entry.gradientError = Math.max(entry.gradientError, error);
  }
}

/** An op that does the same and is noted; test/support/watch-ops.ts puts it in the op's place. Ops inside it are not. */
export function watchedOp<A extends unknown[], R>(name: string, op: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    if (insideOp || folder === undefined) return op(...args);
    insideOp = true;
    const entry = opRecord(name);
    const strided = tensorsIn(args).some((x) => !x.contiguous);
    try {
      const { result, calls } = kernelCalls(() => op(...args));
      entry.calls++;
      if (strided) entry.stridedCalls++;
      if (tensorsIn(result).some((x) => x.tracked)) entry.differentiable = true;
      for (const kernel of calls.keys()) if (!entry.forwardKernels.includes(kernel)) entry.forwardKernels.push(kernel);
      checked?.add(name);
      return result;
    } catch (error) {
      if (strided && /strided view/.test((error as Error).message)) entry.refusesStrided = true;
      throw error;
    } finally {
      insideOp = false;
    }
  };
}

function opRecord(name: string): OpRecord {
  recorded.ops[name] ??= {
    ...{ calls: 0, stridedCalls: 0, refusesStrided: false, differentiable: false, gradientChecks: 0, gradientError: 0 },
    ...{ forwardKernels: [], backwardKernels: [] },
  };
  return recorded.ops[name];
}

/** Runs fn and counts its calls of kernels. */
function kernelCalls<T>(fn: () => T): { result: T; calls: ReadonlyMap<string, number> } {
  const calls = new Map<string, number>();
  const bound = kernels;
  setKernels(
    new Proxy(bound, {
      get(target, name) {
        calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
        return Reflect.get(target, name);
      },
    }),
  );
  try {
    return { result: fn(), calls };
  } finally {
    setKernels(bound);
  }
}

function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.values(value).flatMap(tensorsIn);
  return [];
}
