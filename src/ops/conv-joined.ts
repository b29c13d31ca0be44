import { kernels } from "../runtime/launch.js";
import { empty, fromArray } from "../tensor/create.js";
import type { TapWeight } from "./conv-product.js";
import { type Axis, denseOutputs, windowTensor, withTemporaries } from "./window.js";

/** What the kernel takes at once, its working memory in bytes and the rows of dy in it (assembly/conv_phases.ts). */
const SCRATCH_BYTES = 4 << 20;
const MOST_ROWS = 64;
const SLACK = 4;
/** Columns of the register tile that takes a phase alone (assembly/pack.ts). */
const PANEL_COLUMNS = 8;
/** The most channels of x for which joined phases are faster: 1.2 times at 16, 1.5 at 8, and 3 at 3; they save copies too. */
const MOST_INPUTS = 16;

/** Input gradient of a convolution, or of one group of it. */
export interface InputGradient {
  readonly batch: number;
  readonly axes: readonly [Axis, Axis];
  /** Channels of x, and of y. */
  readonly inputs: number;
  readonly outputs: number;
  readonly alpha: number;
  readonly weight: TapWeight;
  readonly dy: number;
  readonly lddy: number;
  readonly beta: 0 | 1;
  readonly dx: number;
  /** Elements of dx from one pixel to the next. */
  readonly pixel: number;
}

/** What assembly/conv_phases.ts reads: for each group of taps which outputs of a place it reaches. */
interface Plan {
  readonly numbers: readonly number[];
  readonly segments: number;
  /** Packed weights, in elements: for each channel of dy the lanes that it is multiplied with. */
  readonly weights: number;
  /** Rows and columns of dy that a place sees. */
  readonly rows: number;
  readonly columns: number;
}

type Size = Pick<InputGradient, "axes" | "inputs" | "outputs">;

/** Packing weights pays where each is used for this many places, times the channels of x. */
const LEAST_PLACES = 2;

/** Whether the phases of a stride are better joined: x has few channels, and what the phases see fits into scratch. */
export function joinedPhasesPay({ batch, axes, inputs, outputs }: Size & { readonly batch: number }): boolean {
  const [rows, columns] = axes;
  if (rows.stride * columns.stride === 1 || rows.step !== 1 || columns.step !== 1 || inputs > MOST_INPUTS) return false;
  const across = Math.ceil(columns.size / columns.stride);
  const places = batch * Math.ceil(rows.size / rows.stride) * across;
  if (places < LEAST_PLACES * inputs) return false;
  const plan = planOf({ axes, inputs, outputs });
  const sums = (across + SLACK) * (rows.stride * columns.stride * inputs + 7);
  const seen = plan.rows * (across + SLACK + plan.columns) * outputs;
  const fits = plan.rows <= MOST_ROWS && 4 * (MOST_ROWS + sums + seen) <= SCRATCH_BYTES;
  const alone = rows.taps * columns.taps * Math.ceil(inputs / PANEL_COLUMNS) * PANEL_COLUMNS * outputs;
  return fits && plan.weights <= alone;
}

/** dx = α·(dy ⋆ w with its taps reversed) + β·dx, all phases of the stride at once */
export function inputGradientJoined(call: InputGradient): void {
  const { batch, axes, inputs, outputs, alpha, weight, dy, lddy, beta, dx, pixel } = call;
  const [rows, columns] = axes;
  withTemporaries(() => {
    const window = windowTensor(axes, pixel, denseOutputs(columns.outputs, rows.outputs, lddy)).ptr;
    const { numbers, segments, weights } = planOf(call);
    const plan = fromArray(numbers, [numbers.length], "i32").ptr;
    const packed = empty([weights]).ptr;
    const { ptr, out, in: step, row, column } = weight;
    kernels.conv_phases_weight_f32(
      ...([segments, inputs, outputs, alpha, window, plan, ptr, out, step, row, column] as const),
      packed,
    );
    const lines = batch * Math.ceil(rows.size / rows.stride);
    kernels.conv_phases_f32(lines, inputs, outputs, segments, window, plan, dy, packed, beta, dx);
  });
}

/** Sources at a place, `from` to `to` − 1 of a stride, that see the output which lies `at` from the place. */
interface Reach {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Source place·stride + r is seen by output place + at through tap r − first − at·stride. */
function reaches({ first, stride, taps }: Axis): Reach[] {
  const lowest = Math.ceil((1 - taps - first) / stride);
  const highest = Math.floor((stride - 1 - first) / stride);
  return Array.from({ length: Math.max(0, highest - lowest + 1) }, (_, i) => {
    const tap0 = first + (lowest + i) * stride;
    return { at: lowest + i, from: Math.max(0, tap0), to: Math.min(stride, tap0 + taps) };
  });
}

export function planOf({ axes, inputs, outputs }: Size): Plan {
  const [rows, columns] = axes.map(reaches);
  const n = axes[0].stride * axes[1].stride * inputs;
  const numbers = [rows[0]?.at ?? 0, rows.length, columns[0]?.at ?? 0, columns.length];
  let [segments, weights] = [0, 0];
  for (const row of rows) {
    for (const run of runsOf(columns)) {
      const [{ at, from, to }] = run;
      const reached: number[] = [];
      for (let r = row.from; r < row.to; r++) {
        const line = r * axes[1].stride;
        for (let lane = (line + from) * inputs; lane < (line + to) * inputs; lane++) reached.push(lane);
      }
      for (const vectors of grouped(vectorsOver(reached), n)) {
        const [lane0, lane1, lane2 = 0] = vectors;
        numbers.push(row.at, at, run.length, vectors.length, lane0, lane1, lane2, weights);
        weights += 4 * vectors.length * run.length * outputs;
        segments++;
      }
    }
  }
  return { numbers, segments, weights, rows: rows.length, columns: columns.length };
}

/** Neighbours that reach the same. */
function runsOf(columns: readonly Reach[]): Reach[][] {
  const runs: Reach[][] = [];
  for (const column of columns) {
    const last = runs.at(-1);
    if (last && last[0].from === column.from && last[0].to === column.to) last.push(column);
    else runs.push([column]);
  }
  return runs;
}

/** First lanes of vectors of four that cover the lanes, which ascend. */
function vectorsOver(lanes: readonly number[]): number[] {
  const vectors: number[] = [];
  for (const lane of lanes) {
    const last = vectors.at(-1);
    if (last === undefined || lane >= last + 4) vectors.push(lane);
  }
  return vectors;
}

/** Groups of three vectors, or two where one would remain; one alone is joined by one past the last lane. */
function grouped(vectors: readonly number[], n: number): number[][] {
  if (vectors.length === 0) return [];
  if (vectors.length === 1) return [[vectors[0], n]];
  const groups: number[][] = [];
  for (let i = 0; i < vectors.length; ) {
    const left = vectors.length - i;
    const size = left === 2 || left === 4 ? 2 : 3;
    groups.push(vectors.slice(i, i + size));
    i += size;
  }
  return groups;
}
