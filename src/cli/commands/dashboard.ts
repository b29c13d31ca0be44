import { ConfigError } from "../../errors.js";
import { Dashboard } from "../../report/dashboard.js";
import type { Command } from "../command.js";
import { openRecord } from "../open-record.js";

/** Exit code of what ends by a signal; a dashboard has no other end. */
const INTERRUPTED = 130;
const LARGEST_PORT = 65535;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export const dashboard: Command = {
  name: "dashboard",
  summary: "the report of a run as a page that follows it while it goes on, for this host alone",
  operands: ["RUN"],
  options: {
    port: { value: "N", about: "port on 127.0.0.1; 0 takes one that is free", fallback: "6060" },
  },
  examples: ["poa dashboard runs/photos", "poa dashboard runs/photos --port 0 --json"],
  async run(call, output) {
    const port = call.integer("port")!;
    if (port > LARGEST_PORT)
      throw new ConfigError(`dashboard: --port is ${port}, expected a whole number up to ${LARGEST_PORT}.`);
    const record = await openRecord("dashboard", call.operands[0]);
    const served = await Dashboard.start(record, { port, onWarning: (message) => output.warn(message) });
    const ended = signalled();
    output.result({ url: served.url }, served.url);
    output.note("Ctrl-C ends it");
    await ended;
    await served.close();
    return INTERRUPTED;
  },
};

/** Resolves at the first signal to end. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const onSignal = () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
}
