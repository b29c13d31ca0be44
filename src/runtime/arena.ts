import { MemoryError } from "../errors.js";
import type { Heap } from "./heap.js";

/** Every allocation starts on a cache line, which also satisfies the alignment that kernels require. */
const LINE_BYTES = 64;
const SEGMENT_BYTES = 4 << 20;

const roundUp = (bytes: number) => Math.ceil(Math.max(bytes, 1) / LINE_BYTES) * LINE_BYTES;

/** Hands out ascending stretches of the heap; memory once taken is never given back, since first touch is slow. */
export class AddressSpace {
  readonly heap: Heap;
  private top: number;

  constructor(heap: Heap, firstAddress: number) {
    this.heap = heap;
    this.top = roundUp(firstAddress);
  }

  /**
   * @param sizeBytes  must be had
   * @param wantedBytes  taken instead, or as much of it as the limit leaves
   * @throws MemoryError
   */
  take(sizeBytes: number, wantedBytes = sizeBytes): Stretch {
    const least = roundUp(sizeBytes);
    let size = Math.max(least, roundUp(wantedBytes));
    while (!this.reaches(size, least)) size = Math.max(least, roundUp(size / 2));
    const stretch = { ptr: this.top, sizeBytes: size };
    this.top += size;
    return stretch;
  }

  private reaches(size: number, least: number): boolean {
    try {
      this.heap.grow(this.top + size);
      return true;
    } catch (error) {
      if (size > least && error instanceof MemoryError) return false;
      throw error;
    }
  }
}

/** A run of memory. */
interface Stretch {
  ptr: number;
  sizeBytes: number;
}

/** Memory that lives until it is freed: parameters, gradients, moments, input slots. Best fit, neighbours merged. */
export class PersistentArena {
  usedBytes = 0;
  /** False once its runtime has been disposed: then what it handed out is not to be touched. */
  alive = true;
  private readonly space: AddressSpace;
  private readonly free: Stretch[] = []; // by ascending address

  constructor(space: AddressSpace) {
    this.space = space;
  }

  /** Address of so many bytes. @throws MemoryError */
  allocate(sizeBytes: number): number {
    const size = roundUp(sizeBytes);
    let best = -1;
    for (let i = 0; i < this.free.length; i++) {
      const fits = this.free[i].sizeBytes >= size;
      if (fits && (best < 0 || this.free[i].sizeBytes < this.free[best].sizeBytes)) best = i;
    }
    if (best < 0) {
      this.insert(this.space.take(size, SEGMENT_BYTES));
      return this.allocate(sizeBytes);
    }
    const stretch = this.free[best];
    const ptr = stretch.ptr;
    stretch.ptr += size;
    stretch.sizeBytes -= size;
    if (stretch.sizeBytes === 0) this.free.splice(best, 1);
    this.usedBytes += size;
    return ptr;
  }

  /** Takes back what was allocated, with its size. */
  release(ptr: number, sizeBytes: number): void {
    const size = roundUp(sizeBytes);
    this.insert({ ptr, sizeBytes: size });
    this.usedBytes -= size;
  }

  private insert(stretch: Stretch): void {
    let at = this.free.findIndex((other) => other.ptr > stretch.ptr);
    if (at < 0) at = this.free.length;
    this.free.splice(at, 0, stretch);
    this.mergeWithNext(at);
    if (at > 0) this.mergeWithNext(at - 1);
  }

  private mergeWithNext(i: number): void {
    const [stretch, next] = [this.free[i], this.free[i + 1]];
    if (!next || stretch.ptr + stretch.sizeBytes !== next.ptr) return;
    stretch.sizeBytes += next.sizeBytes;
    this.free.splice(i + 1, 1);
  }
}

/** One opening of the step arena. What was allocated since is gone when it closes. */
export interface Frame {
  /** Counts the frames of its kind. */
  readonly id: number;
  readonly kind: "step" | "scope";
  alive: boolean;
  readonly segment: number;
  readonly offset: number;
}

/** Bump memory for activations, temporaries and their gradients. Frames nest like calls. */
export class StepArena {
  private readonly space: AddressSpace;
  private readonly segments: Stretch[] = [];
  private readonly frames: Frame[] = [];
  private segment = 0;
  private offset = 0;
  private readonly opened = { step: 0, scope: 0 };
  private peak = { segment: 0, offset: 0 };

  constructor(space: AddressSpace) {
    this.space = space;
  }

  /** The innermost open frame. */
  get current(): Frame | null {
    return this.frames.at(-1) ?? null;
  }

  /** How many frames are open. */
  get depth(): number {
    return this.frames.length;
  }

  /** Bytes in use. */
  get usedBytes(): number {
    return this.bytesBelow(this.segment, this.offset);
  }

  /** The most that was ever in use. */
  get peakBytes(): number {
    return this.bytesBelow(this.peak.segment, this.peak.offset);
  }

  private bytesBelow(segment: number, offset: number): number {
    return this.segments.slice(0, segment).reduce((sum, { sizeBytes }) => sum + sizeBytes, offset);
  }

  /** Opens a frame inside the one that is open. */
  open(kind: Frame["kind"]): Frame {
    const frame: Frame = { id: ++this.opened[kind], kind, alive: true, segment: this.segment, offset: this.offset };
    this.frames.push(frame);
    return frame;
  }

  /** Ends the newest frame and rewinds to where it began. */
  close(frame: Frame): void {
    if (this.frames.pop() !== frame)
      throw new MemoryError("step arena: frames must close in the reverse order of their opening");
    frame.alive = false;
    this.segment = frame.segment;
    this.offset = frame.offset;
  }

  /** Ends all frames, with their runtime. */
  abandon(): void {
    for (const frame of this.frames) frame.alive = false;
  }

  /** Address of so many bytes, until the frame closes. @throws MemoryError */
  allocate(sizeBytes: number): number {
    const size = roundUp(sizeBytes);
    while (this.segment < this.segments.length && this.offset + size > this.segments[this.segment].sizeBytes) {
      this.segment++;
      this.offset = 0;
    }
    if (this.segment === this.segments.length) {
      // Segments grow with what is held, so that a long-lived run ends up with a few large ones and little is left unused.
      const held = this.segments.reduce((sum, stretch) => sum + stretch.sizeBytes, 0);
      this.segments.push(this.space.take(size, Math.max(SEGMENT_BYTES, held / 4)));
    }
    const ptr = this.segments[this.segment].ptr + this.offset;
    this.offset += size;
    const { peak, segment } = this;
    if (segment > peak.segment || (segment === peak.segment && this.offset > peak.offset))
      this.peak = { segment, offset: this.offset };
    return ptr;
  }
}
