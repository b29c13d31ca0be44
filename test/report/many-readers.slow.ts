import { Agent, request } from "node:http";
import * as assert from "uvu/assert";
import { Dashboard } from "../../src/report/dashboard.js";
import { recordOf, writtenRun } from "../support/run-files.js";
import { test } from "../support/test.js";

const READERS = 10_000;
const AT_ONCE = 500;

/** Asks for the events and stays; resolves with the answer's code, or 0 if the connection is closed without one. */
function reader(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    request(`${url}events`, { agent }, (response) => {
      response.resume().on("error", () => {});
      resolve(response.statusCode!);
    })
      .on("error", () => resolve(0))
      .end();
  });
}

test(
  "of 10,000 readers that stay, 64 are served, the others are turned away, and memory is bounded",
  async () => {
    const dashboard = await Dashboard.start(recordOf(writtenRun()), { port: 0 });
    const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
    const before = process.memoryUsage().rss;
    const codes = new Map<number, number>();
    for (let asked = 0; asked < READERS; asked += AT_ONCE) {
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => reader(dashboard.url, agent)));
      for (const code of answers) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    assert.equal(
      [...codes.keys()].filter((code) => ![0, 200, 503].includes(code)),
      [],
    );
    assert.is(codes.get(200), 64);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 200 << 20, `the process, with both ends of each connection, has grown by ${grown >> 20} MiB`);
    agent.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const page = await fetch(dashboard.url);
    assert.is(page.status, 200, "and whoever comes then is served");
    await page.text();
    await dashboard.close();
  },
  { timeoutMs: 120_000 },
);
