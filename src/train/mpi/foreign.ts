/** What a C function takes: a whole number, an address, or the memory of an array. */
export type Parameter = "int" | "pointer" | "buffer";

/** A C library, called without a compile step. */
export interface ForeignLibrary {
  /** A function that returns an int. */
  func(name: string, parameters: readonly Parameter[]): (...args: readonly unknown[]) => number;
  /** Where a variable of the library lies, as its functions take it for a pointer. */
  address(name: string): unknown;
}
