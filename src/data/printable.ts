/** A file name as one line of plain text: control characters and line separators, which a name may hold, become escapes. */
export function printable(name: string): string {
  return name.replace(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
