/** Runs fn with a variable of the environment set, or absent. */
export function withVariable<T>(name: string, value: string | undefined, fn: () => T): T {
  const before = process.env[name];
  set(name, value);
  try {
    return fn();
  } finally {
    set(name, before);
  }
}

function set(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
