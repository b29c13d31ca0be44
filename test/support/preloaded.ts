type Preload = "broken-thread" | "jumping-clock" | "kill-at-call" | "open-files" | "slow-disk";

/**
 * Variables with which a process of Node first runs a file of test/support/preload, which then spoils something for the program.
 *
 * @param variables  what the file reads
 */
export function preloaded(name: Preload, variables: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { NODE_OPTIONS: `--import=${new URL(`./preload/${name}.js`, import.meta.url).href}`, ...variables };
}
