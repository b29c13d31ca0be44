import type { Frame } from "../runtime/arena.js";
import { runtime } from "../runtime/context.js";

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
  private released = false;

  private constructor(ptr: number, sizeBytes: number, frame: Frame | null) {
    this.ptr = ptr;
    this.sizeBytes = sizeBytes;
    this.frame = frame;
  }

  /** In the running step if there is one, else persistent. */
  static allocate(sizeBytes: number): Storage {
    const { step } = runtime();
    const frame = step.current;
    return frame ? new Storage(step.allocate(sizeBytes), sizeBytes, frame) : Storage.persistent(sizeBytes);
  }

  static persistent(sizeBytes: number): Storage {
    return new Storage(runtime().persistent.allocate(sizeBytes), sizeBytes, null);
  }

  /** A size without memory behind it, for counting what a network would need. */
  static unbacked(sizeBytes: number): Storage {
    const storage = new Storage(Number.NaN, sizeBytes, null);
    storage.released = true;
    return storage;
  }

  /** Memory with the lifetime of another storage. */
  static like(other: Storage): Storage {
    return other.frame ? Storage.allocate(other.sizeBytes) : Storage.persistent(other.sizeBytes);
  }

  get alive(): boolean {
    return !this.released && (this.frame === null || this.frame.alive);
  }

  /** Gives persistent memory back. */
  release(): void {
    if (this.released || this.frame) return;
    this.released = true;
    runtime().persistent.release(this.ptr, this.sizeBytes);
    this.gradient?.release();
  }
}
