import { ResourceError } from "../../errors.js";
import { COMMUNICATION, type Collective, RANK_WAIT } from "../../runtime/collective.js";
import { phase } from "../../runtime/profile.js";
import { buckets } from "./buckets.js";
import type { OpenMpi } from "./open-mpi.js";

/** Numbers that are summed at once: 16 MiB, large enough that bandwidth alone counts. */
const BUCKET = 1 << 22;
/** How long a rank asks without a pause whether others are there too, */
const BUSY_MS = 20;
/** and how long it then sleeps between two questions, so that a rank that waits takes no core from one that computes. */
const PAUSE_MS = 0.05;

export interface MpiOptions {
  /** Add in the order of ranks, in place of the order that Open MPI finds fastest. */
  readonly deterministic: boolean;
  /** How long a rank waits for the others, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Ranks that Open MPI has started. What is sent and received lies in two buffers outside of linear memory, which neither moves
 * nor grows.
 */
export class MpiCollective implements Collective {
  readonly rank: number;
  readonly size: number;
  private readonly mpi: OpenMpi;
  private readonly options: MpiOptions;
  private readonly sent: Float32Array<ArrayBuffer>;
  private readonly received: Float32Array<ArrayBuffer>;
  private readonly request = new Int32Array(new ArrayBuffer(64));
  private readonly flag = new Int32Array(new ArrayBuffer(64));
  private readonly never = new Int32Array(new SharedArrayBuffer(4));
  /** Whether the others have not answered in time. */
  private unanswered = false;

  /** @param mpi  that has joined the other ranks */
  constructor(mpi: OpenMpi, options: MpiOptions) {
    this.mpi = mpi;
    this.options = options;
    const number = (of: (...args: readonly unknown[]) => number) => {
      of(mpi.world, this.flag);
      return this.flag[0];
    };
    this.rank = number(mpi.MPI_Comm_rank);
    this.size = number(mpi.MPI_Comm_size);
    // As many for each rank, also where they do not divide the bucket.
    const capacity = this.size * Math.ceil(BUCKET / this.size);
    this.sent = new Float32Array(new ArrayBuffer(4 * capacity));
    this.received = new Float32Array(new ArrayBuffer(4 * capacity));
  }

  allReduceSum(arrays: readonly Float32Array[]): void {
    phase(COMMUNICATION, () => {
      for (const bucket of buckets(arrays, BUCKET)) this.sumBucket(bucket);
    });
  }

  gather(bytes: Uint8Array): Uint8Array[] {
    const { mpi, size } = this;
    const gathered = Array.from({ length: size }, () => new Uint8Array(bytes.length));
    const [sent, received] = [new Uint8Array(this.sent.buffer), new Uint8Array(this.received.buffer)];
    const most = Math.floor(received.length / size);
    phase(RANK_WAIT, () => {
      for (let begin = 0; begin < bytes.length; begin += most) {
        const part = bytes.subarray(begin, begin + most);
        const count = part.length;
        sent.set(part);
        this.complete("MPI_Iallgather", sent, count, mpi.byte, received, count, mpi.byte, mpi.world);
        for (let rank = 0; rank < size; rank++)
          gathered[rank].set(received.subarray(rank * count, (rank + 1) * count), begin);
      }
    });
    return gathered;
  }

  broadcast(bytes: Uint8Array): void {
    const { mpi } = this;
    const sent = new Uint8Array(this.sent.buffer);
    phase(RANK_WAIT, () => {
      for (let begin = 0; begin < bytes.length; begin += sent.length) {
        const part = bytes.subarray(begin, begin + sent.length);
        sent.set(part);
        this.complete("MPI_Ibcast", sent, part.length, mpi.byte, 0, mpi.world);
        part.set(sent.subarray(0, part.length));
      }
    });
  }

  barrier(): void {
    phase(RANK_WAIT, () => this.complete("MPI_Ibarrier", this.mpi.world));
  }

  abort(exitCode: number): never {
    // Where the network is gone MPI_Abort would wait for it. mpirun ends the others when one has ended like this, too.
    if (!this.unanswered) this.mpi.MPI_Abort(this.mpi.world, exitCode);
    process.exit(exitCode);
  }

  /** Lets Open MPI know that this rank has come to its end. */
  close(): void {
    this.mpi.MPI_Finalize();
  }

  private sumBucket(bucket: readonly Float32Array[]): void {
    let count = 0;
    for (const part of bucket) {
      this.sent.set(part, count);
      count += part.length;
    }
    if (this.options.deterministic) this.sumInRankOrder(count);
    else this.sumAnyhow(count);
    let at = 0;
    for (const part of bucket) {
      part.set(this.received.subarray(at, at + part.length));
      at += part.length;
    }
  }

  private sumAnyhow(count: number): void {
    const { mpi, sent, received } = this;
    this.complete("MPI_Iallreduce", sent, received, count, mpi.float, mpi.sum, mpi.world);
  }

  /** Each rank adds up one stretch of the numbers of all, in double precision, and gives the sums to all. */
  private sumInRankOrder(count: number): void {
    const { mpi, sent, received, size } = this;
    const stretch = Math.ceil(count / size);
    this.complete("MPI_Ialltoall", sent, stretch, mpi.float, received, stretch, mpi.float, mpi.world);
    for (let i = 0; i < stretch; i++) {
      let sum = received[i];
      for (let rank = 1; rank < size; rank++) sum += received[rank * stretch + i];
      sent[i] = sum;
    }
    this.complete("MPI_Iallgather", sent, stretch, mpi.float, received, stretch, mpi.float, mpi.world);
  }

  /**
   * Begins something and waits until it is done. Nothing else runs in this process meanwhile.
   *
   * @throws ResourceError if the other ranks do not take part in time
   */
  private complete(begin: keyof OpenMpi, ...args: readonly unknown[]): void {
    const { mpi, request, flag, options } = this;
    (mpi[begin] as (...args: readonly unknown[]) => number)(...args, request);
    const begun = performance.now();
    for (;;) {
      mpi.MPI_Test(request, flag, null);
      if (flag[0] !== 0) return;
      const waitedMs = performance.now() - begun;
      if (waitedMs > options.timeoutMs) {
        this.unanswered = true;
        const seconds = Math.round(options.timeoutMs / 1000);
        throw new ResourceError(
          `rank ${this.rank} of ${this.size} has waited ${seconds} s for the others (--rank-timeout). One of them does not ` +
            "answer: look for a stopped process, a full disk or a lost network; then continue with `poa resume`.",
        );
      }
      if (waitedMs > BUSY_MS) Atomics.wait(this.never, 0, 0, PAUSE_MS);
    }
  }
}
