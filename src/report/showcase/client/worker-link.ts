import type { ShowcaseContent } from "../content.js";
import type { Answer, Looked, Start, Task } from "./messages.js";

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: Error) => void;
}

/** The page's side of the worker. */
export class WorkerLink {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private sent = 0;

  constructor(content: ShowcaseContent) {
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.receive(data));
    this.worker.addEventListener("error", (event) => {
      const reason = event.message || "its modules cannot be loaded";
      for (const { reject } of this.waiting.values()) reject(new Error(`The part that computes has ended: ${reason}.`));
      this.waiting.clear();
    });
    const start: Start = { content, base: document.baseURI };
    this.worker.postMessage(start);
  }

  /** @throws Error with what went wrong, in plain words */
  async look(network: number, { data, width, height }: ImageData): Promise<Looked> {
    const answer = await this.ask({ kind: "look", network, image: { data, width, height } });
    return (answer as Extract<Answer, { looked: Looked }>).looked;
  }

  /** Milliseconds per image, several timings. @throws Error as `look` */
  async measure(network: number): Promise<readonly number[]> {
    const answer = await this.ask({ kind: "measure", network });
    return (answer as Extract<Answer, { timings: unknown }>).timings;
  }

  private ask(task: Task): Promise<Answer> {
    const id = this.sent++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...task, id });
    });
  }

  private receive(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer);
  }
}
