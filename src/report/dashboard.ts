import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError } from "../errors.js";
import { pageAssets } from "./assets.js";
import { contentPolicy, type PageUpdate, pageUpdate } from "./page.js";
import { runPage } from "./run-page.js";
import type { RunRecord } from "./run-record.js";
import { sectionsOf } from "./sections.js";

/** Only this host is served. */
const ADDRESS = "127.0.0.1";
/** What a browser on it may have called it; a page elsewhere that had its own name lead here is refused. */
const NAMES = [ADDRESS, "localhost"];
const EVENTS = "/events";
/** Between looks at the files of the run. */
const LOOK_MS = 1_000;
/** A reader that has not taken so much is cut off; it connects again by itself. */
const MOST_WAITING_BYTES = 1 << 24;
/** Pages that are kept up to date at once, and connections; further ones are turned away. */
const MOST_READERS = 64;
const MOST_CONNECTIONS = 256;

/** Where the page is served, and who is told of oddities. */
export interface DashboardOptions {
  /** 0 takes one that is free. */
  readonly port: number;
  /** Told when files of the run cannot be read; the page stays as it was. */
  readonly onWarning?: (message: string) => void;
}

/** The page of a run, served to this host while the run goes on. */
export class Dashboard {
  private readonly record: RunRecord;
  private readonly onWarning: (message: string) => void;
  private readonly assets = pageAssets();
  private readonly server: Server;
  private readonly port: number;
  private readonly readers = new Set<ServerResponse>();
  private readonly timer: NodeJS.Timeout;
  /** Tells this dashboard from an earlier one at the same address. */
  private readonly started = Date.now().toString(36);
  private version = 0;
  private running: boolean;
  private shown: PageUpdate;
  private lastWarning = "";

  /** @throws ConfigError if the port cannot be had */
  static async start(record: RunRecord, { port, onWarning = () => {} }: DashboardOptions): Promise<Dashboard> {
    const server = createServer();
    server.maxConnections = MOST_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => reject(portError(port, error)));
      server.listen(port, ADDRESS, resolve);
    });
    return new Dashboard(record, server, onWarning);
  }

  private constructor(record: RunRecord, server: Server, onWarning: (message: string) => void) {
    this.record = record;
    this.onWarning = onWarning;
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    this.running = record.running;
    this.shown = pageUpdate(sectionsOf(record, null));
    server.on("request", (request, response) => this.answer(request, response));
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  /** Address of the page, on this host. */
  get url(): string {
    return `http://${ADDRESS}:${this.port}/`;
  }

  /** Ends it and the connections of its readers. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  /** What the readers have; their next update counts from there. */
  private get stand(): string {
    return `${this.started}-${this.version}`;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const [path, query] = (request.url ?? "/").split("?", 2);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-store");
    const refuse = (code: number, reason: string) =>
      response.writeHead(code, { "Content-Type": "text/plain; charset=utf-8" }).end(`${reason}\n`);
    if (!this.isOwnName(request.headers.host)) {
      refuse(403, `Only ${this.url} is served.`);
    } else if (request.method !== "GET") {
      response.setHeader("Allow", "GET");
      refuse(405, "Only GET is answered.");
    } else if (path === "/") {
      this.sendPage(response);
    } else if (path === EVENTS && this.readers.size >= MOST_READERS) {
      response.setHeader("Retry-After", "60");
      refuse(503, `${MOST_READERS} pages follow this run already; close one.`);
    } else if (path === EVENTS) {
      this.follow(response, request.headers["last-event-id"] ?? new URLSearchParams(query).get("from"));
    } else {
      refuse(404, "There is nothing here; the page is at /.");
    }
  }

  private isOwnName(host: string | undefined): boolean {
    return NAMES.some((name) => host === `${name}:${this.port}` || (host === name && this.port === 80));
  }

  private sendPage(response: ServerResponse): void {
    this.look();
    const events = `${EVENTS}?from=${this.stand}`;
    response
      .writeHead(200, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": `${contentPolicy(this.assets, { connects: true })}; frame-ancestors 'none'`,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
      })
      .end(runPage(this.record, { assets: this.assets, events }));
  }

  /** Keeps a reader up to date; one that stands elsewhere gets everything first. */
  private follow(response: ServerResponse, stand: string | readonly string[] | null): void {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cross-Origin-Resource-Policy": "same-origin" });
    response.write("retry: 2000\n\n");
    if (stand !== this.stand) response.write(this.eventOf(this.shown));
    this.readers.add(response);
    response.on("close", () => this.readers.delete(response));
  }

  private eventOf(update: PageUpdate): string {
    return `id: ${this.stand}\ndata: ${JSON.stringify(update)}\n\n`;
  }

  /** Reads what the run has added and tells the readers what has changed. */
  private look(): void {
    try {
      const { running } = this.record;
      const changed = this.record.refresh() || running !== this.running;
      this.running = running;
      if (changed) this.publish(pageUpdate(sectionsOf(this.record, null)));
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.lastWarning) this.onWarning(message);
      this.lastWarning = message;
    }
  }

  private publish(next: PageUpdate): void {
    const { shown } = this;
    const bodies = Object.entries(next.bodies).filter(([id, body]) => shown.bodies[id] !== body);
    const before = new Map(shown.charts.map((chart) => [chart.id, JSON.stringify(chart)]));
    const charts = next.charts.filter((chart) => before.get(chart.id) !== JSON.stringify(chart));
    this.shown = next;
    if (bodies.length === 0 && charts.length === 0) return;
    this.version++;
    const event = this.eventOf({ bodies: Object.fromEntries(bodies), charts });
    for (const reader of this.readers) {
      if (reader.writableLength > MOST_WAITING_BYTES) reader.destroy();
      else reader.write(event);
    }
  }
}

function portError(port: number, error: NodeJS.ErrnoException): ConfigError {
  const reason = error.code === "EADDRINUSE" ? "is taken" : `cannot be had: ${error.message}`;
  return new ConfigError(`dashboard: port ${port} ${reason}. Choose another with --port, or 0 for any that is free.`, {
    cause: error,
  });
}
