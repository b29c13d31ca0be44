/**
 * A file name as one line of plain text: control characters, line separators and marks that turn the direction of writing, all of
 * which a name may hold, become escapes.
 */
export function printable(name: string): string {
  return name.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What a mistaken name does: bytes that are no UTF-8 come from the system as this mark, under which it finds no file. */
export function hintOnName(path: string): string {
  return path.includes("\ufffd") ? "Its name is not UTF-8; rename it." : "Was it moved or deleted?";
}
