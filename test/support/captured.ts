/** What fn writes to stdout and stderr. */
export function captured(fn: () => void): { stdout: string; stderr: string } {
  const text = { stdout: "", stderr: "" };
  const originals = (["stdout", "stderr"] as const).map((name) => [name, process[name].write] as const);
  for (const [name] of originals) {
    process[name].write = ((chunk: string | Uint8Array) => {
      text[name] += String(chunk);
      return true;
    }) as typeof process.stdout.write;
  }
  try {
    fn();
  } finally {
    for (const [name, write] of originals) process[name].write = write;
  }
  return text;
}
