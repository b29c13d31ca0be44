import { request } from "node:http";
import * as assert from "uvu/assert";
import { ConfigError } from "../../src/errors.js";
import { Dashboard } from "../../src/report/dashboard.js";
import type { PageUpdate } from "../../src/report/page.js";
import { append, metricsLine, recordOf, writtenRun } from "../support/run-files.js";
import { test } from "../support/test.js";

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the server answers; `headers` may name another host. */
function ask(url: string, { method = "GET", path = "/", headers = {} }: Asked = {}) {
  return new Promise<{ code: number; headers: NodeJS.Dict<string | string[]>; body: string }>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, method, path, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ code: response.statusCode!, headers: response.headers, body }));
    })
      .on("error", reject)
      .end();
  });
}

/** Follows the events from a stand; `next` gives the next update, `ended` tells that there will be none. */
function follow(url: string, from: string) {
  const updates: PageUpdate[] = [];
  let heard = () => {};
  let refused = () => {};
  const ended = new Promise<false>((resolve) => {
    refused = () => resolve(false);
  });
  const asked = request(`${url}events?from=${from}`, (response) => {
    response.on("end", refused);
    let text = "";
    response.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const parts = text.split("\n\n");
      text = parts.pop()!;
      for (const part of parts) {
        const data = /^data: (.*)$/m.exec(part)?.[1];
        if (data !== undefined) updates.push(JSON.parse(data));
      }
      heard();
    });
  }).on("error", () => {});
  asked.end();
  const next = async () => {
    while (updates.length === 0) await new Promise<void>((resolve) => (heard = resolve));
    return updates.shift()!;
  };
  return { next, ended, end: () => asked.destroy() };
}

async function served(path: string, body: (dashboard: Dashboard) => Promise<void>): Promise<void> {
  const dashboard = await Dashboard.start(recordOf(path), {
    port: 0,
    onWarning: (message) => assert.unreachable(message),
  });
  try {
    await body(dashboard);
  } finally {
    await dashboard.close();
  }
}

const standIn = (page: string) => /data-events="\/events\?from=([^"]*)"/.exec(page)![1];

test("the page is served on 127.0.0.1 with a policy, and refers to its events", () =>
  served(writtenRun(), async ({ url }) => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const { code, headers, body } = await ask(url);
    assert.is(code, 200);
    assert.match(String(headers["content-type"]), /^text\/html/);
    assert.match(
      String(headers["content-security-policy"]),
      /^default-src 'none';.*connect-src 'self'.*frame-ancestors 'none'$/,
    );
    assert.is(headers["x-content-type-options"], "nosniff");
    assert.is(headers["access-control-allow-origin"], undefined);
    assert.match(standIn(body), /^[0-9a-z]+-0$/);
  }));

test("a name that another host made to lead here is refused", () =>
  served(writtenRun(), async ({ url }) => {
    const { port } = new URL(url);
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      "127.0.0.1:1",
      `localhost.evil:${port}`,
      "[::1]",
    ]) {
      for (const path of ["/", "/events"]) assert.is((await ask(url, { path, headers: { host } })).code, 403, host);
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`])
      assert.is((await ask(url, { headers: { host } })).code, 200, host);
  }));

test("only GET is answered, and only the two addresses", () =>
  served(writtenRun(), async ({ url }) => {
    for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"]) {
      const { code, headers } = await ask(url, { method });
      assert.equal([code, headers.allow], [405, "GET"], method);
    }
    for (const path of ["/x", "/events/", "//", "/../run.json", "/%00", "/?x", "http://x/"])
      assert.is((await ask(url, { path })).code, path === "/?x" ? 200 : 404, path);
  }));

test("no path leads to a file, however it is written", () =>
  served(writtenRun(), async ({ url }) => {
    for (const path of [
      ...[
        "/run.json",
        "/checkpoints",
        "/checkpoints/",
        "/./run.json",
        "/../../../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
      ],
      ...["/%2e%2e/%2e%2e/etc/passwd", "/..\\..\\run.json", "/events/../run.json", "/etc/passwd", "file:///etc/passwd"],
    ]) {
      const { code, body } = await ask(url, { path });
      assert.equal([code, body], [404, "There is nothing here; the page is at /.\n"], path);
    }
  }));

test("more than 64 readers are turned away until one leaves", () =>
  served(writtenRun(), async ({ url }) => {
    const readers = Array.from({ length: 64 }, () => follow(url, "x-0"));
    for (const { next } of readers) await next();
    const { code, headers } = await ask(url, { path: "/events" });
    assert.equal([code, headers["retry-after"]], [503, "60"]);
    assert.is((await ask(url)).code, 200, "the page itself is served");
    readers[0].end();
    for (let left = false; !left; ) {
      const late = follow(url, "x-0");
      left = await Promise.race([late.next().then(() => true), late.ended]);
      late.end();
    }
    for (const { end } of readers) end();
  }));

test("a reader gets what the run has added, and nothing else", () => {
  const path = writtenRun({ steps: 2 });
  return served(path, async ({ url }) => {
    const { body } = await ask(url);
    const reader = follow(url, standIn(body));
    append(path, "metrics.jsonl", metricsLine(2));
    append(path, "metrics.jsonl", `\n${metricsLine(3).slice(0, 30)}`);
    const { bodies, charts } = await reader.next();
    assert.equal(Object.keys(bodies).sort(), ["networks", "overview"]);
    assert.match(bodies.overview, /<b>3<\/b>/);
    assert.equal(charts.find(({ id }) => id === "loss objective")!.x, [0, 1, 2]);
    append(path, "metrics.jsonl", `${metricsLine(3).slice(30)}\n`);
    assert.match((await reader.next()).bodies.overview, /<b>4<\/b>/);
    reader.end();
  });
});

test("a page that is opened before the first line is filled as the run begins", () => {
  const path = writtenRun({ steps: 0 });
  return served(path, async ({ url }) => {
    const { code, body } = await ask(url);
    assert.is(code, 200);
    const reader = follow(url, standIn(body));
    append(path, "metrics.jsonl", `${metricsLine(0)}\n`);
    const { bodies, charts } = await reader.next();
    assert.ok(bodies.losses.includes('data-chart="loss objective"'));
    assert.ok(charts.length > 5);
    reader.end();
  });
});

test("a reader that stood elsewhere, as after the dashboard was started again, gets everything first", () =>
  served(writtenRun(), async ({ url }) => {
    const reader = follow(url, "another-3");
    const { bodies, charts } = await reader.next();
    assert.is(Object.keys(bodies).length, 8);
    assert.ok(charts.length > 5);
    reader.end();
  }));

test("closing ends the readers too", async () => {
  const dashboard = await Dashboard.start(recordOf(writtenRun()), { port: 0 });
  const reader = follow(dashboard.url, "x-0");
  await reader.next();
  await dashboard.close();
  await ask(dashboard.url).then(
    () => assert.unreachable(),
    (error: NodeJS.ErrnoException) => assert.is(error.code, "ECONNREFUSED"),
  );
});

test("a port that is taken is told with the way out", () =>
  served(writtenRun(), async ({ url }) => {
    const port = Number(new URL(url).port);
    await Dashboard.start(recordOf(writtenRun()), { port }).then(
      () => assert.unreachable(),
      (error: Error) => {
        assert.instance(error, ConfigError);
        assert.match(error.message, new RegExp(`port ${port} is taken.*--port`));
      },
    );
  }));
