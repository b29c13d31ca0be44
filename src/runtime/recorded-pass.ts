import { type Runtime, runApart, runtime } from "./context.js";
import type { Heap } from "./heap.js";
import { type KernelName, type Kernels, signatures } from "./kernels.js";
import { kernels } from "./launch.js";

type View = "f32" | "i32" | "u8";

/** Something that a pass did to linear memory. */
interface Action {
  /** Does it again; what was copied from the input is taken from the given one. */
  run(heap: Heap, input: ArrayLike<number>): void;
}

class KernelCall implements Action {
  private readonly kernel: (...args: number[]) => void;
  private readonly args: number[];

  constructor(kernel: (...args: number[]) => void, args: number[]) {
    this.kernel = kernel;
    this.args = args;
  }

  run(): void {
    // A spread would copy the arguments.
    this.kernel.apply(undefined, this.args);
  }
}

/** Numbers that were written from outside: those of the input, or always the same. */
class Write implements Action {
  private readonly view: View;
  private readonly values: Float64Array | null;
  private readonly at: number;

  constructor(view: View, values: ArrayLike<number> | null, at: number) {
    this.view = view;
    this.values = values && Float64Array.from(values);
    this.at = at;
  }

  run(heap: Heap, input: ArrayLike<number>): void {
    heap[this.view].set(this.values ?? input, this.at);
  }
}

class Copy implements Action {
  private readonly to: number;
  private readonly from: number;
  private readonly sizeBytes: number;

  constructor(to: number, from: number, sizeBytes: number) {
    this.to = to;
    this.from = from;
    this.sizeBytes = sizeBytes;
  }

  run(heap: Heap): void {
    heap.copy(this.to, this.from, this.sizeBytes);
  }
}

/**
 * What a pass through a network did to linear memory, to be done again with another input of the same length: calls of kernels and
 * what was written between them, at the same addresses. It makes no object on the host's heap.
 *
 * Whoever keeps one sees to it that the addresses stay valid: the persistent memory that the pass used must not be given back, and
 * no frame of the step arena may be open when it runs, since its temporaries lie where those of the next step will.
 */
export class RecordedPass {
  private readonly actions: readonly Action[];
  private readonly heap: Heap;
  private readonly door: Kernels;

  private constructor(actions: readonly Action[]) {
    this.actions = actions;
    this.heap = runtime().heap;
    this.door = kernels;
  }

  /**
   * Runs fn and notes what it does.
   *
   * @param input  the array whose numbers fn copies to linear memory, as a whole, by `set` of a view
   * @param fn  must not let a number that it reads from linear memory decide how it goes on
   * @returns what fn returned; the pass, or null if fn looked into linear memory, or never wrote the input
   */
  static of<T>(input: ArrayLike<number>, fn: () => T): { readonly value: T; readonly pass: RecordedPass | null } {
    const recorder = new Recorder(runtime(), input);
    const value = runApart(recorder.runtime, recorder.kernels, fn);
    const faithful = recorder.inputWrites > 0 && !recorder.hasRead;
    return { value, pass: faithful ? new RecordedPass(recorder.actions) : null };
  }

  /** Whether it can run now: the runtime and its kernels are those of the recording, and no frame is open. */
  get runnable(): boolean {
    const { heap, step } = runtime();
    return heap === this.heap && kernels === this.door && step.depth === 0;
  }

  /**
   * Does again what was noted, with other numbers of the input.
   *
   * @param input  as long as that of the recording
   */
  run(input: ArrayLike<number>): void {
    const { actions, heap } = this;
    for (let i = 0; i < actions.length; i++) actions[i].run(heap, input);
  }
}

/** A runtime that does what another does, and notes it. */
class Recorder {
  readonly runtime: Runtime;
  readonly kernels: Kernels;
  readonly actions: Action[] = [];
  inputWrites = 0;
  hasRead = false;
  private readonly input: ArrayLike<number>;

  constructor(live: Runtime, input: ArrayLike<number>) {
    this.input = input;
    const { heap } = live;
    const watched = (view: View) => this.watched(view, heap);
    const noted: Heap = {
      get f32() {
        return watched("f32") as Heap["f32"];
      },
      get i32() {
        return watched("i32") as Heap["i32"];
      },
      get u8() {
        return watched("u8") as Heap["u8"];
      },
      get sizeBytes() {
        return heap.sizeBytes;
      },
      copy: (to, from, sizeBytes) => {
        this.actions.push(new Copy(to, from, sizeBytes));
        heap.copy(to, from, sizeBytes);
      },
      grow: (sizeBytes) => heap.grow(sizeBytes),
    };
    this.runtime = { ...live, heap: noted };
    this.kernels = Object.fromEntries(
      (Object.keys(signatures) as KernelName[]).map((name) => [
        name,
        this.noted(kernels[name] as KernelCall["kernel"]),
      ]),
    ) as unknown as Kernels;
  }

  private noted(kernel: (...args: number[]) => void) {
    return (...args: number[]) => {
      this.actions.push(new KernelCall(kernel, args));
      kernel(...args);
    };
  }

  /** A view on which writes are noted, and which tells whether it is read. */
  private watched(view: View, heap: Heap): object {
    const set = (values: ArrayLike<number>, at = 0) => {
      const own = values === this.input;
      if (own) this.inputWrites++;
      this.actions.push(new Write(view, own ? null : values, at));
      heap[view].set(values, at);
    };
    return new Proxy(heap[view], {
      get: (target, name) => {
        if (name === "set") return set;
        this.hasRead = true;
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
      set: (_, name, value) => {
        set([value], Number(name));
        return true;
      },
    });
  }
}
