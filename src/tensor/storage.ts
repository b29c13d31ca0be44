import type { Frame, PersistentArena } from "../runtime/arena.js";
import { runtime } from "../runtime/context.js";

/** The numbers of a matrix in eight bits each, as the kernels of whole numbers read them (ops/int8.ts). */
export interface Int8Layout {
  readonly packed: Storage;
  /** What one step of each row is worth. */
  readonly scales: Storage;
}

/** A stretch of linear memory with one owner lifetime, and at most one gradient of the same layout. */
export class Storage {
  ptr: number;
  readonly sizeBytes: number;
  /** The frame it dies with; null = persistent. */
  frame: Frame | null;
  /** Whether gradients flow to it. */
  tracked = false;
  gradient: Storage | null = null;
  /** Whether `gradient` holds values; a buffer may outlive its values. */
  gradientPresent = false;
  /** Factor that the optimiser applies while it reads the gradient (set by clipping). */
  gradientScale = 1;
  /** Where products use eight bits of each number. */
  int8: Int8Layout | null = null;
  private released = false;
  /** Where persistent memory came from; another runtime may be live when it goes back. */
  private readonly arena: PersistentArena | null;

  private constructor(
    ptr: number,
    sizeBytes: number,
    { frame = null, arena = null }: { frame?: Frame | null; arena?: PersistentArena | null },
  ) {
    this.ptr = ptr;
    this.sizeBytes = sizeBytes;
    this.frame = frame;
    this.arena = arena;
  }

  /** In the running step if there is one, else persistent. */
  static allocate(sizeBytes: number): Storage {
    const { step } = runtime();
    const frame = step.current;
    return frame ? new Storage(step.allocate(sizeBytes), sizeBytes, { frame }) : Storage.persistent(sizeBytes);
  }

  /** Memory that lives until it is disposed of. @throws MemoryError */
  static persistent(sizeBytes: number): Storage {
    const arena = runtime().persistent;
    return new Storage(arena.allocate(sizeBytes), sizeBytes, { arena });
  }

  /** A size without memory behind it, for counting what a network would need. */
  static unbacked(sizeBytes: number): Storage {
    return new Storage(Number.NaN, sizeBytes, {});
  }

  /** Memory of another's size: persistent if that one is, else of the running step. */
  static like(other: Storage): Storage {
    return other.frame ? Storage.allocate(other.sizeBytes) : Storage.persistent(other.sizeBytes);
  }

  /** Whether its memory is still its own. */
  get alive(): boolean {
    return !this.released && ((this.frame ?? this.arena)?.alive ?? false);
  }

  /** What has become of memory that is not alive, and how to avoid it. */
  get fate(): string {
    const { frame, arena } = this;
    if (frame)
      return `belongs to ${frame.kind} ${frame.id}, which has ended. Return it from ${frame.kind}(), or keep(x).`;
    if (!arena) return "was made by shapesOnly() and has no memory.";
    return this.released ? "has been disposed." : "belongs to a runtime that has been disposed, or replaced by init().";
  }

  /** Gives the memory of the eight bits back. */
  dropInt8(): void {
    this.int8?.packed.release();
    this.int8?.scales.release();
    this.int8 = null;
  }

  /** Gives persistent memory back. */
  release(): void {
    if (this.released || !this.arena) return;
    this.released = true;
    this.arena.release(this.ptr, this.sizeBytes);
    this.gradient?.release();
    this.dropInt8();
  }
}
