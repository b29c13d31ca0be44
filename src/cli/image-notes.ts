import type { Output } from "./output.js";

/** A folder may hold thousands of images of the same kind. */
const MOST_NOTES = 5;

/** Tells the first notes about images that can be used all the same, and once that there are more. */
export function imageNotes(output: Output): (note: string) => void {
  let count = 0;
  return (note) => {
    count++;
    if (count <= MOST_NOTES) output.note(note);
    if (count === MOST_NOTES + 1) output.note("more images have names that say another format; poa check lists them");
  };
}
