// Runs the suite in a worker of a page, and posts what it found.
import { conformance } from "./conformance.js";

conformance().then(
  (found) => postMessage(found),
  (error) => postMessage(`${error?.stack ?? error}`),
);
