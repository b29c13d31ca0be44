import type { Axis } from "./window.js";

/** Sources first, first + step, first + 2·step … of an axis. */
interface Comb {
  readonly first: number;
  readonly step: number;
}

/** Where a phase writes, and the last tap that it reads; the others lie before it. */
export interface PhasePlace {
  readonly row: Comb;
  readonly column: Comb;
  readonly tapRow: number;
  readonly tapColumn: number;
}

interface Phase {
  readonly axis: Axis;
  readonly place: Comb;
  readonly lastTap: number;
  /** From one tap that reaches this phase to the next. */
  readonly tapStep: number;
}

/**
 * The transpose of a window that slides over images. Source pixels whose places agree modulo the stride, one phase, are
 * seen through the same taps only, and among them their gradient is a convolution of dy with stride 1. So nothing is
 * multiplied by the zeros that a stride would insert.
 *
 * @param visit  is given, for each phase, the axes of a window over dy whose outputs are the phase's source pixels; where
 *   they lie; and how many taps further each of the window's taps lies, backwards, in rows and columns
 */
export function eachPhase(
  axes: readonly [Axis, Axis],
  visit: (axes: readonly [Axis, Axis], place: PhasePlace, tapSteps: readonly [number, number]) => void,
): void {
  const [rows, columns] = axes.map(phases);
  for (const y of rows) {
    for (const x of columns) {
      const place = { row: y.place, column: x.place, tapRow: y.lastTap, tapColumn: x.lastTap };
      visit([y.axis, x.axis], place, [y.tapStep, x.tapStep]);
    }
  }
}

/** Source r + stride·t is seen by output t + (r − first − tap·step) / stride where that is whole. */
function phases({ size, outputs, taps, stride, first, step }: Axis): Phase[] {
  const tapStep = stride / greatestDivisor(stride, step);
  return Array.from({ length: Math.min(stride, size) }, (_, r) => {
    const reaching = Array.from({ length: taps }, (_, tap) => tap).filter(
      (tap) => (r - first - tap * step) % stride === 0,
    );
    const lastTap = reaching.at(-1) ?? 0;
    return {
      axis: {
        size: outputs,
        outputs: Math.ceil((size - r) / stride),
        taps: reaching.length,
        stride: 1,
        first: reaching.length > 0 ? (r - first - lastTap * step) / stride : 0,
        step: (step * tapStep) / stride,
      },
      place: { first: r, step: stride },
      lastTap,
      tapStep,
    };
  });
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
