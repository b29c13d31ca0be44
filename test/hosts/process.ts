// Runs the suite in Node, Deno or Bun, and prints what it found as one line of JSON.
import { conformance } from "./conformance.js";

console.log(JSON.stringify(await conformance()));
