import { ConfigError, ResourceError } from "../../errors.js";
import { type DenoForeign, openByDeno } from "./deno.js";
import type { ForeignLibrary, Parameter } from "./foreign.js";
import { openByKoffi } from "./koffi.js";

/** Open MPI 3 to 5, on Linux and macOS. */
const NAMES = ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib", "libmpi.dylib"];

/** Send buffer, count, type, receive buffer, count, type, communicator, request. */
const EXCHANGE = ["buffer", "int", "pointer", "buffer", "int", "pointer", "pointer", "buffer"] as const;

/** Functions that begin something name a request last, which MPI_Test asks about. */
const FUNCTIONS = {
  MPI_Init: ["pointer", "pointer"],
  MPI_Comm_rank: ["pointer", "buffer"],
  MPI_Comm_size: ["pointer", "buffer"],
  MPI_Iallreduce: ["buffer", "buffer", "int", "pointer", "pointer", "pointer", "buffer"],
  MPI_Ialltoall: EXCHANGE,
  MPI_Iallgather: EXCHANGE,
  MPI_Ibcast: ["buffer", "int", "pointer", "int", "pointer", "buffer"],
  MPI_Ibarrier: ["pointer", "buffer"],
  MPI_Test: ["buffer", "buffer", "pointer"],
  MPI_Abort: ["pointer", "int"],
  MPI_Finalize: [],
} as const satisfies Record<string, readonly Parameter[]>;

/** Open MPI's objects are variables of the library, whose addresses its functions take. */
const OBJECTS = {
  world: "ompi_mpi_comm_world",
  float: "ompi_mpi_float",
  byte: "ompi_mpi_byte",
  sum: "ompi_mpi_op_sum",
} as const;

/** The part of Open MPI that a run uses. */
export type OpenMpi = Readonly<Record<keyof typeof FUNCTIONS, (...args: readonly unknown[]) => number>> &
  Readonly<Record<keyof typeof OBJECTS, unknown>>;

/**
 * Opens Open MPI and joins the ranks that it has started, which a process can do once.
 *
 * @throws ResourceError if it is not installed; ConfigError if it is another MPI, or the package that calls it is missing
 */
export async function joinOpenMpi(): Promise<OpenMpi> {
  const mpi = await openMpi();
  mpi.MPI_Init(null, null);
  return mpi;
}

async function openMpi(): Promise<OpenMpi> {
  const library = await firstOf(NAMES);
  if (!library)
    throw new ResourceError(
      `mpi: none of ${NAMES.join(", ")} can be opened. Install Open MPI (Debian: openmpi-bin), or name its folder in LD_LIBRARY_PATH.`,
    );
  try {
    const functions = Object.entries(FUNCTIONS).map(([name, parameters]) => [name, library.func(name, parameters)]);
    const objects = Object.entries(OBJECTS).map(([name, symbol]) => [name, library.address(symbol)]);
    return Object.fromEntries([...functions, ...objects]);
  } catch (error) {
    const reason = (error as Error).message;
    throw new ConfigError(`mpi: the MPI library is not Open MPI (${reason}). Put Open MPI first in LD_LIBRARY_PATH.`, {
      cause: error,
    });
  }
}

async function firstOf(names: readonly string[]): Promise<ForeignLibrary | null> {
  const deno = (globalThis as { Deno?: DenoForeign }).Deno;
  for (const name of names) {
    const library = deno ? openByDeno(deno, name) : await openByKoffi(name);
    if (library) return library;
  }
  return null;
}
