import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import {
  cosineSchedule,
  frozenSchedule,
  linearSchedule,
  polySchedule,
  type Schedule,
  stepSchedule,
} from "../../src/optim/schedule.js";
import { storedFixture } from "../support/stored-fixture.js";
import { test } from "../support/test.js";

const get = storedFixture("golden/schedules.safetensors");

interface Run {
  total: number;
  peak: number;
  warmup: number;
  frozen: number;
  scale: number;
  temperature: number;
}

/** The five schedules of a published run (spec §5.3). */
function schedules({ total, peak, warmup, frozen, scale, temperature }: Run): Record<string, Schedule> {
  const lr = cosineSchedule({ base: peak, final: 2e-5, total, warmup, scale });
  return {
    lr,
    wd: cosineSchedule({ base: 0.04, final: 0.4, total, scale }),
    momentum: cosineSchedule({ base: 0.992, final: 0.9999, total, scale }),
    teacher_temp: linearSchedule({ start: 0.04, final: 0.07, total: temperature }),
    last_layer_lr: frozenSchedule(lr, frozen),
  };
}

const families = {
  vit: { total: 276800, epoch: 800, warmupEpochs: 1, scale: 0.78, peak: 0.005 },
  swin: { total: 216250, epoch: 625, warmupEpochs: 30, scale: 0.9, peak: 0.005656854249492381 },
  resnet: { total: 692000, epoch: 1000, warmupEpochs: 30, scale: 1, peak: 0.00447213595499958 },
};

for (const [family, { total, epoch, warmupEpochs, scale, peak }] of Object.entries(families)) {
  const full = { total, peak, scale, warmup: warmupEpochs * epoch, frozen: 0, temperature: 2 * epoch };
  const small = { total: 100, peak, scale, warmup: 20, frozen: 10, temperature: 30 };
  for (const [size, run] of Object.entries({ full, small })) {
    test(`the ${size} schedules of ${family} equal the official ones to 1e-12`, () => {
      for (const [name, schedule] of Object.entries(schedules(run))) {
        const expected = get(`${family}.${size}.out.${name}`).data as Float64Array;
        expected.forEach((value, i) => {
          const iteration = size === "full" ? Number(get(`${family}.full.in.iteration`).data[i]) : i;
          const actual = schedule(iteration);
          assert.ok(
            Math.abs(actual - value) <= 1e-12 * Math.abs(value),
            `${name}(${iteration}) = ${actual}, expected ${value}`,
          );
        });
      }
    });
  }
}

test("a warm-up includes both ends, and the cosine starts again from its top", () => {
  const schedule = cosineSchedule({ base: 1, final: 0, total: 9, warmup: 5, start: 0.2 });
  assert.equal([0, 4, 5].map(schedule), [0.2, 1, 1]);
  assert.ok(Math.abs(schedule(1) - 0.4) < 1e-15);
  assert.ok(Math.abs(schedule(7) - 0.5) < 1e-15);
});

test("after the last iteration a schedule stays at its final value", () => {
  const cut = cosineSchedule({ base: 1, final: 0.1, total: 10, scale: 0.7 });
  assert.ok(cut(9) > 0.2, "cut before its end");
  assert.equal([cut(10), cut(1e6)], [0.1, 0.1]);
  const line = linearSchedule({ start: 0, final: 3, total: 4 });
  assert.equal([0, 1, 3, 4, 100].map(line), [0, 1, 3, 3, 3]);
});

test("a warm-up of one iteration is its first value, of none is left out", () => {
  assert.is(cosineSchedule({ base: 1, final: 0, total: 5, warmup: 1 })(0), 0);
  assert.is(cosineSchedule({ base: 1, final: 0, total: 5 })(0), 1);
  assert.is(linearSchedule({ start: 1, final: 2, total: 0 })(0), 2);
});

test("a schedule that does not fit in its run is refused", () => {
  const isConfig = (pattern: RegExp) => (error: Error) => error instanceof ConfigError && pattern.test(error.message);
  assert.throws(() => cosineSchedule({ base: 1, final: 0, total: 5, warmup: 6 }), isConfig(/warm-up of 6 iterations/));
  assert.throws(() => cosineSchedule({ base: 1, final: 0, total: 5, scale: 0.5 }), isConfig(/scale is 0.5/));
  assert.throws(() => linearSchedule({ start: 1, final: 0, total: -1 }), isConfig(/total is -1/));
});

test("steps fall at their milestones, after a straight warm-up", () => {
  const schedule = stepSchedule({ base: 8, milestones: [10, 13], factor: 0.5, warmup: 4, start: 2 });
  const values = Array.from({ length: 16 }, (_, i) => schedule(i));
  assert.equal(values, [2, 3.5, 5, 6.5, 8, 8, 8, 8, 8, 8, 4, 4, 4, 2, 2, 2]);
  assert.is(stepSchedule({ base: 1, milestones: [0] })(0), 0.1);
  assert.throws(
    () => stepSchedule({ base: 1, milestones: [-1] }),
    (error: Error) => error instanceof ConfigError,
  );
});

test("a power schedule falls straight to its end after a rise that begins above zero", () => {
  const line = polySchedule({ base: 8, total: 8, warmup: 2 });
  // 8 − i, halved in the first of two steps of the rise.
  assert.equal([0, 1, 2, 4, 7, 8, 99].map(line), [4, 7, 6, 4, 1, 0, 0]);
  const squared = polySchedule({ base: 5, final: 1, total: 4, power: 2 });
  assert.equal([0, 1, 2, 3, 4].map(squared), [5, 3.25, 2, 1.25, 1]);
});

test("a power schedule refuses what is no power, and a rise longer than the run", () => {
  assert.throws(
    () => polySchedule({ base: 1, total: 4, power: 0.5 }),
    /power is 0.5, expected a whole number from 1 on/,
  );
  assert.throws(
    () => polySchedule({ base: 1, total: 4, warmup: 5 }),
    /warm-up of 5 iterations does not fit in a run of 4/,
  );
});
