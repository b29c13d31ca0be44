// Runs in a worker of the page: networks are loaded and asked here, so that the page never stands still.
import type { Answer, Request, Start, Task } from "./messages.js";
import { TriedNetwork } from "./tried-network.js";

/** Networks that nobody asks any more are given up when all files together are larger. */
const KEPT_BYTES = 256e6;

/** Networks that are loaded, the one asked last at the end. */
const loaded = new Map<number, TriedNetwork>();
let start: Start | null = null;
/** Requests are done one after the other, in their order. */
let last: Promise<void> = Promise.resolve();

async function networkOf(index: number): Promise<TriedNetwork> {
  const { content, base } = start!;
  const network = loaded.get(index) ?? (await TriedNetwork.load(content.networks[index], content.bank, base));
  loaded.delete(index);
  loaded.set(index, network);
  let bytes = [...loaded.values()].reduce((sum, one) => sum + one.bytes, 0);
  for (const [other, one] of loaded) {
    if (bytes <= KEPT_BYTES || other === index) break;
    bytes -= one.bytes;
    one.dispose();
    loaded.delete(other);
  }
  return network;
}

async function answer(task: Task) {
  const network = await networkOf(task.network);
  return task.kind === "look" ? { looked: network.look(task.image) } : { timings: network.measure() };
}

async function done(request: Request): Promise<void> {
  let sent: Answer;
  try {
    sent = { id: request.id, ...(await answer(request)) };
  } catch (error) {
    sent = { id: request.id, error: error instanceof Error ? error.message : String(error) };
  }
  postMessage(sent);
}

addEventListener("message", ({ data }: MessageEvent<Start | Request>) => {
  if ("content" in data) start = data;
  else last = last.then(() => done(data));
});
