/** An error that a user can act on: its message names the operation, what was expected, what came, and the way out. */
export class PoaError extends Error {
  override readonly name: string = "PoaError";
}

/** Shapes that do not fit together. */
export class ShapeError extends PoaError {
  override readonly name = "ShapeError";
}

/** A tensor of another element type than the operation reads. */
export class DTypeError extends PoaError {
  override readonly name = "DTypeError";
}

/** A tensor whose memory has been given back. */
export class ReleasedError extends PoaError {
  override readonly name = "ReleasedError";
}

/** Linear memory is exhausted, or a request exceeds what it can ever hold. */
export class MemoryError extends PoaError {
  override readonly name = "MemoryError";
}

/** A setting that is unknown, ill-typed or out of range; wrong use of a command. */
export class ConfigError extends PoaError {
  override readonly name = "ConfigError";
}

/** Bytes that do not follow their file format. */
export class FormatError extends PoaError {
  override readonly name = "FormatError";
}

/** Data that is missing, empty or unreadable. */
export class DataError extends PoaError {
  override readonly name = "DataError";
}

/** A loss or gradient that is not finite, or features that have collapsed. */
export class NumericError extends PoaError {
  override readonly name = "NumericError";
}

/** Disk space or another resource of the host has run out. */
export class ResourceError extends PoaError {
  override readonly name = "ResourceError";
}
