import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { RanksOptions } from "./mpi.js";
import { tempFolder } from "./temp-folder.js";

/** Two network namespaces, each with an address of its own, joined by one cable. */
export interface TwoNetworks {
  /** How mpirun is started in the first so that it puts one rank into each. */
  readonly options: Pick<RanksOptions, "options" | "before">;
  /** Bytes that have come to the second. */
  received(): number;
}

const ip = (...args: string[]) => spawnSync("ip", args, { encoding: "utf8" });

/** Why this host makes no network namespaces, or null. */
export function namespaceProblem(): string | null {
  const name = `poa${process.pid}`;
  const { status, stderr, error } = ip("netns", "add", name);
  if (status !== 0) return `network namespaces cannot be made here: ${error?.message ?? stderr.trim()}`;
  ip("netns", "del", name);
  return null;
}

/**
 * Runs fn with two networks, which are gone afterwards. mpirun starts a rank on the other one as it does by ssh, with a program in
 * the place of ssh that enters the namespace.
 */
export async function withTwoNetworks(fn: (networks: TwoNetworks) => Promise<void>): Promise<void> {
  const sides = ["a", "b"].map((side, i) => ({
    space: `poa${process.pid}${side}`,
    cable: `v${process.pid}${side}`,
    address: `10.213.${process.pid % 250}.${i + 1}`,
  }));
  const [first, second] = sides;
  const agent = join(
    tempFolder({
      agent: [
        "#!/bin/sh",
        "host=$1; shift",
        ...sides.map(({ space, address }) => `[ "$host" = ${address} ] && exec ip netns exec ${space} sh -c "$*"`),
        "exit 1\n",
      ].join("\n"),
    }),
    "agent",
  );
  chmodSync(agent, 0o755);
  const must = (...args: string[]) => {
    const { status, stderr } = ip(...args);
    if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
  };
  try {
    for (const { space } of sides) must("netns", "add", space);
    must("link", "add", first.cable, "type", "veth", "peer", "name", second.cable);
    for (const { space, cable, address } of sides) {
      must("link", "set", cable, "netns", space);
      must("-n", space, "addr", "add", `${address}/24`, "dev", cable);
      for (const name of ["lo", cable]) must("-n", space, "link", "set", name, "up");
    }
    await fn({
      options: {
        before: ["ip", "netns", "exec", first.space],
        options: [
          ...["--host", sides.map(({ address }) => address).join(), "--mca", "plm_rsh_agent", agent],
          ...["--mca", "btl", "tcp,self", "--mca", "orte_keep_fqdn_hostnames", "1"],
        ],
      },
      received: () => {
        const path = `/sys/class/net/${second.cable}/statistics/rx_bytes`;
        return Number(ip("netns", "exec", second.space, "cat", path).stdout);
      },
    });
  } finally {
    for (const { space } of sides) ip("netns", "del", space);
  }
}
