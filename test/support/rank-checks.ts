// Checks what ranks do together, on every rank that mpirun has started; ends with 1 where something does not hold.
import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { NumericError } from "../../src/errors.js";
import { scale } from "../../src/ops/elementwise.js";
import { averageGradients } from "../../src/optim/average.js";
import { bytesOf, gatherNumbers, gatherTexts, sumNumbers } from "../../src/runtime/collective.js";
import { init } from "../../src/runtime/context.js";
import { parameter } from "../../src/tensor/create.js";
import { divergedRanks, fromRankZero } from "../../src/train/agreement.js";
import { MpiCollective } from "../../src/train/mpi/mpi-collective.js";
import { joinOpenMpi } from "../../src/train/mpi/open-mpi.js";
import { Trainer } from "../../src/train/trainer.js";
import { follow, Lead } from "../../src/train/turns.js";
import { runConfig, squareSource } from "./square-run.js";

await init({ threads: 1 });
const mpi = await joinOpenMpi();
const options = { timeoutMs: 20_000 };
const ranks = new MpiCollective(mpi, { ...options, deterministic: false });
const inOrder = new MpiCollective(mpi, { ...options, deterministic: true });
const { rank, size } = ranks;

/** What rank r has at place i: sums of a few are exact in f32. */
const value = (i: number, r: number) => (i % 1000) + 10 * r;
const sumAt = (i: number) => size * (i % 1000) + 5 * size * (size - 1);

// More than one bucket, and arrays that begin in one and end in the next.
for (const collective of [ranks, inOrder]) {
  const lengths = [1, 0, 5, (1 << 22) - 3, 7001];
  const arrays = lengths.map((length, a) => Float32Array.from({ length }, (_, i) => value(i + a, rank)));
  collective.allReduceSum(arrays);
  for (const [a, array] of arrays.entries())
    assert.ok(
      array.every((x, i) => x === sumAt(i + a)),
      `array ${a}`,
    );
}

// 2^24 + 1 − 2^24 is 0 in f32, where 1 is lost; in order and in double precision it is 1.
const lost = Float32Array.of([2 ** 24, 1, -(2 ** 24)][rank] ?? 0, rank);
inOrder.allReduceSum([lost]);
assert.equal([...lost], [size === 2 ? 2 ** 24 : 1, (size * (size - 1)) / 2]);

const bytes = Uint8Array.of(rank, 2, 3);
assert.equal(
  ranks.gather(bytes),
  Array.from({ length: size }, (_, r) => Uint8Array.of(r, 2, 3)),
);
assert.equal(
  gatherNumbers(ranks, [rank, 0.1]),
  Array.from({ length: size }, (_, r) => [r, 0.1]),
);
assert.equal(sumNumbers(ranks, [rank, 1]), [(size * (size - 1)) / 2, size]);
assert.equal(
  gatherTexts(ranks, "ä".repeat(rank)),
  Array.from({ length: size }, (_, r) => "ä".repeat(r)),
);
assert.equal(fromRankZero(ranks, rank === 0 ? { of: "rank 0" } : null), { of: "rank 0" });

const numbers = new Float64Array(5_000_000).fill(rank + 1); // more bytes than a bucket
ranks.broadcast(bytesOf(numbers));
assert.ok(numbers.every((x) => x === 1));

// The first parameter has a gradient everywhere, the second on rank 1 alone, the third nowhere.
const [everywhere, onOne, nowhere] = [2, 3, 1].map((length) => parameter([length], () => 0.5));
for (const [x, there] of [
  [everywhere, true],
  [onOne, rank === 1],
] as const)
  if (there) step(() => scale(x, rank + 1).backward(new Float32Array(x.numel).fill(1)));
averageGradients([everywhere, onOne, nowhere], ranks);
assert.equal([...everywhere.grad()!], new Array(2).fill((size + 1) / 2));
assert.equal([...onOne.grad()!], new Array(3).fill(Math.fround(2 / size)));
assert.is(nowhere.grad(), null);

const same = parameter([4], () => 1);
assert.equal(divergedRanks(ranks, [same]), []);
if (rank === 1) same.write([1, 1, 1, 1 + 1e-7]);
assert.equal(divergedRanks(ranks, [same]), [1]);

// A number that is none, on rank 1 alone: no rank moves, and all know the images of all.
const trainer = new Trainer(runConfig(), squareSource(24), { ranks });
const weights = () => [...trainer.state().student.values()].map((x) => [...x.toArray()]);
const token = trainer.model.student.namedParameters()[0][1];
const healthy = token.toArray();
if (rank === 1) token.write(healthy.map(() => Number.NaN));
const before = weights();
const { updated, culprits } = await trainer.step();
assert.not.ok(updated);
assert.equal(weights(), before);
assert.is(new Set(culprits).size, 4 * size);
token.write(healthy);
assert.ok((await trainer.step()).updated);

// Weights that have come apart: rank 0 tells, the others go on to hear what is to be done.
if (rank === 1) token.write(healthy.map((x) => x + 1e-6));
if (rank === 0) {
  const lead = new Lead(trainer);
  assert.throws(
    () => lead.compare("run/checkpoints/000000003"),
    (error: Error) => error instanceof NumericError && /weights of rank 1 are not those of rank 0/.test(error.message),
  );
  lead.end({ interrupted: true });
} else assert.equal(await follow(trainer, new AbortController().signal), { interrupted: true });
trainer.shareState();
assert.equal(divergedRanks(ranks, [token]), []);

ranks.barrier();
ranks.close();
