import * as assert from "uvu/assert";
import type { PoaError } from "../../src/errors.js";

/** Asserts that a call throws an error of the given class whose message contains the given text. */
export function refuses(call: () => unknown, type: new (message: string) => PoaError, text: string): void {
  let thrown: unknown = null;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof type, `expected a ${type.name}, got ${thrown}`);
  assert.ok((thrown as PoaError).message.includes(text), `expected "${text}" in "${(thrown as PoaError).message}"`);
}
