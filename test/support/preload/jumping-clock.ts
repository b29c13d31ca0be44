// A clock that is set forward and back by up to years each time it is asked, and a monotonic one that once skips a night.
const { now } = Date;
const tick = performance.now.bind(performance);

let calls = 0;
Date.now = () => now() + [0, 9e10, -9e10, 3.6e6, -3.6e6][calls++ % 5];

const NIGHT_MS = 8 * 3_600_000;
const AFTER_MS = Number(process.env.POA_TEST_SLEEPS_AFTER_MS ?? "Infinity");
performance.now = () => tick() + (tick() > AFTER_MS ? NIGHT_MS : 0);
