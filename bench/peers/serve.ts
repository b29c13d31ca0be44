import { createInterface } from "node:readline";
import { type Clock, type Reply, type Request, type Spec, sample } from "./protocol.js";

/** An operation with its inputs in place. */
export interface Prepared {
  /** One call. A number it gives, or promises, is the time in ms of the part that counts; without one, all of it counts. */
  readonly run: () => unknown;
  /** Results of one call, in the driver's layout: row-major, images [B, H, W, C], weights [out, in, kh, kw]. */
  readonly outputs: () => ArrayLike<number>[] | Promise<ArrayLike<number>[]>;
  readonly figures?: () => Record<string, number>;
  readonly release?: () => void;
}

/** Throws if the peer has no such operation, with the reason. */
export type Operation = (spec: Spec) => Prepared | Promise<Prepared>;

export interface Peer {
  readonly versions: Readonly<Record<string, string>>;
  readonly operations: Readonly<Record<string, Operation>>;
}

let clock: Clock = "wall";

/** Milliseconds of the clock that the driver has asked for. */
export function now(): number {
  if (clock === "wall") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Answers the driver until it closes the pipe. What a peer prints by itself must not reach stdout. */
export async function serve({ versions, operations }: Peer): Promise<void> {
  const prepared = new Map<number, Prepared>();
  reply({ versions });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      reply(await answer(JSON.parse(line) as Request, operations, prepared));
    } catch (error) {
      reply({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  process.exit(0);
}

async function answer(request: Request, operations: Peer["operations"], prepared: Map<number, Prepared>) {
  if (request.ask === "prepare") {
    const operation = operations[request.op];
    if (!operation) throw new Error("no such operation");
    prepared.set(request.id, await operation(request.spec));
    return {};
  }
  const operation = prepared.get(request.id);
  if (!operation) throw new Error("not prepared");
  if (request.ask === "check") {
    const start = performance.now();
    const outputs = await operation.outputs();
    return { samples: outputs.map(sample), ms: performance.now() - start };
  }
  if (request.ask === "run") {
    clock = request.clock;
    return { ...(await timed(operation, request.ms)), figures: operation.figures?.() };
  }
  operation.release?.();
  prepared.delete(request.id);
  return {};
}

async function timed({ run }: Prepared, ms: number): Promise<{ calls: number; ms: number }> {
  const start = now();
  let [calls, elapsed, counted] = [0, 0, 0];
  let partly = false;
  do {
    let result = run();
    if (result instanceof Promise) result = await result;
    if (typeof result === "number") {
      partly = true;
      counted += result;
    }
    calls++;
    elapsed = now() - start;
  } while (elapsed < ms);
  return { calls, ms: partly ? counted : elapsed };
}

function reply(message: Reply): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
