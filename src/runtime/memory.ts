import { MemoryError } from "../errors.js";
import type { Heap } from "./heap.js";

export const PAGE_BYTES = 65536;

/** The largest linear memory in bytes: 4 GiB less one page, so that the address behind the last byte does not wrap to 0. */
export const ADDRESS_SPACE_BYTES = 65535 * PAGE_BYTES;

/** Whether threads can share a memory. */
export function isShared({ buffer }: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
}

/** Owns the WebAssembly.Memory: growth and the typed views, which growth detaches or, if it is shared, leaves short. */
export class WasmHeap implements Heap {
  readonly memory: WebAssembly.Memory;
  readonly limitBytes: number;
  f32!: Float32Array;
  i32!: Int32Array;
  u8!: Uint8Array;

  /**
   * @param options.initialBytes  size at start, rounded up to 64 KiB pages
   * @param options.limitBytes  size never exceeded, rounded down to pages; default and maximum 4 GiB
   * @param options.shared  whether threads can share it
   * @throws MemoryError if the host gives none
   */
  constructor({ initialBytes = 16 << 20, limitBytes = ADDRESS_SPACE_BYTES, shared = false } = {}) {
    this.limitBytes = Math.floor(Math.min(limitBytes, ADDRESS_SPACE_BYTES) / PAGE_BYTES) * PAGE_BYTES;
    const initial = Math.ceil(Math.min(initialBytes, this.limitBytes) / PAGE_BYTES);
    // Some hosts set the whole of a shared memory aside at once, so it asks for no more than it may use.
    const maximum = (shared ? this.limitBytes : ADDRESS_SPACE_BYTES) / PAGE_BYTES;
    this.memory = newMemory({ initial, maximum, shared });
    this.refresh();
  }

  get sizeBytes(): number {
    return this.memory.buffer.byteLength;
  }

  copy(to: number, from: number, sizeBytes: number): void {
    this.u8.copyWithin(to, from, from + sizeBytes);
  }

  grow(sizeBytes: number): void {
    if (sizeBytes <= this.sizeBytes) return;
    if (sizeBytes > this.limitBytes) throw beyondLimit(sizeBytes, this);
    try {
      this.memory.grow(Math.ceil((sizeBytes - this.sizeBytes) / PAGE_BYTES));
    } catch {
      throw exhausted(sizeBytes, this, "or free memory: the host gives no more");
    }
    this.refresh();
  }

  private refresh(): void {
    this.f32 = new Float32Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
    this.u8 = new Uint8Array(this.memory.buffer);
  }
}

function newMemory(descriptor: WebAssembly.MemoryDescriptor): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory(descriptor);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const mib = Math.ceil((descriptor.initial * PAGE_BYTES) / 2 ** 20);
    throw new MemoryError(
      `memory: the host refuses the first ${mib} MiB of WebAssembly (${error.message}). Close other pages or programs.`,
      { cause: error },
    );
  }
}

/** What is thrown where a heap would pass its limit. */
export function beyondLimit(sizeBytes: number, heap: { limitBytes: number; sizeBytes: number }): MemoryError {
  const raise = heap.limitBytes < ADDRESS_SPACE_BYTES;
  return exhausted(
    sizeBytes,
    heap,
    raise ? "or raise the memory limit of init()" : "since WebAssembly addresses no more",
  );
}

function exhausted(sizeBytes: number, heap: { limitBytes: number; sizeBytes: number }, wayOut: string): MemoryError {
  const mib = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  return new MemoryError(
    `memory: ${mib(sizeBytes)} MiB are needed, ${mib(heap.limitBytes)} MiB are allowed and ${mib(heap.sizeBytes)} MiB are held. ` +
      `Lower the batch, take a smaller network or fewer prototypes, ${wayOut}.`,
  );
}
