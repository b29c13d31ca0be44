import { inputGradientJoined, joinedPhasesPay } from "./conv-joined.js";
import { eachPhase } from "./conv-phase.js";
import type { Correlation, TapWeight, WeightGradient } from "./conv-product.js";
import { correlate, correlateDepthwise, depthwiseWeightGradient, weightGradient } from "./conv-product.js";
import { gradientTilesPay, weightGradientByTiles } from "./conv-tiles.js";
import { product } from "./product.js";
import { type Axis, denseOutputs, type Images } from "./window.js";

/** What the three passes of a convolution share. */
export interface Convolution extends Images {
  readonly axes: readonly [Axis, Axis];
  readonly groups: number;
  /** Channels of one group of x, and of y. */
  readonly inputs: number;
  readonly outputs: number;
  /** α scales the sum, not the bias. */
  readonly alpha: number;
}

/** One tap that moves from pixel to pixel: a plain product of all pixels with the weight. */
function isPointwise({ axes }: Convolution): boolean {
  return axes.every(({ taps, stride, first }) => taps === 1 && stride === 1 && first === 0);
}

/** Each channel for itself, all of them in one kernel call. */
const isDepthwise = ({ groups, inputs, outputs }: Convolution) => groups > 1 && inputs === 1 && outputs === 1;

/** The weights of one group. */
const ofGroup = (weight: TapWeight, group: number, { outputs }: Convolution): TapWeight => ({
  ...weight,
  ptr: weight.ptr + 4 * group * outputs * weight.out,
});

/** y = α·(x ⋆ w) + bias; y is dense, bias an address or 0 */
export function forwardPass(
  call: Convolution,
  { x, weight, bias, y }: { x: number; weight: TapWeight; bias: number; y: number },
): void {
  const { batch, axes, pixel, alpha, groups, inputs, outputs } = call;
  const features = groups * outputs;
  const places = denseOutputs(axes[1].outputs, axes[0].outputs, features);
  const shared = { batch, axes, pixel, alpha, beta: 0, outputs: places };
  if (isDepthwise(call)) {
    correlateDepthwise({ ...shared, channels: features, n: features, x, weight, bias, y });
    return;
  }
  for (let group = 0; group < groups; group++) {
    const correlation: Correlation = {
      ...shared,
      channels: inputs,
      n: outputs,
      x: x + 4 * group * inputs,
      weight: ofGroup(weight, group, call),
      bias: bias && bias + 4 * group * outputs,
      y: y + 4 * group * outputs,
    };
    if (isPointwise(call)) pointwise(correlation);
    else correlate(correlation);
  }
}

/** Where windows are single pixels one after the other, what they see is x itself. */
function pointwise({ batch, axes, channels, n, x, pixel, weight, alpha, bias, beta, y, outputs }: Correlation): void {
  const a = { m: batch * axes[0].outputs * axes[1].outputs, k: channels, alpha, a: x, aRow: pixel, aCol: 1 };
  product({ ...a, n, b: weight.ptr, bRow: weight.in, bCol: weight.out, bias, beta, c: y, ldc: outputs.pixel });
}

/** dx = α·(dy ⋆ w with its taps reversed) + β·dx, the phases of the stride joined or one by one; dy is dense, dx as x */
export function inputPass(
  call: Convolution,
  { dy, weight, beta, dx }: { dy: number; weight: TapWeight; beta: 0 | 1; dx: number },
): void {
  const { batch, height, width, pixel, alpha, groups, inputs, outputs } = call;
  const features = groups * outputs;
  if (!isDepthwise(call) && joinedPhasesPay(call)) {
    for (let group = 0; group < groups; group++) {
      const [from, to] = [dy + 4 * group * outputs, dx + 4 * group * inputs];
      inputGradientJoined({ ...call, weight: ofGroup(weight, group, call), dy: from, lddy: features, beta, dx: to });
    }
    return;
  }
  eachPhase(call.axes, (axes, { row, column, tapRow, tapColumn }, tapSteps) => {
    const places = { image: height * width * pixel, row: row.step * width * pixel, pixel: column.step * pixel };
    const shared = { batch, axes, pixel: features, alpha, bias: 0, beta, outputs: places };
    const reversed: TapWeight = {
      ...weight,
      ptr: weight.ptr + 4 * (tapRow * weight.row + tapColumn * weight.column),
      row: -tapSteps[0] * weight.row,
      column: -tapSteps[1] * weight.column,
    };
    const to = dx + 4 * (row.first * width + column.first) * pixel;
    if (isDepthwise(call)) {
      correlateDepthwise({ ...shared, channels: features, n: features, x: dy, weight: reversed, y: to });
      return;
    }
    for (let group = 0; group < groups; group++) {
      const w = ofGroup(reversed, group, call);
      const correlation: Correlation = {
        ...shared,
        channels: outputs,
        n: inputs,
        x: dy + 4 * group * outputs,
        weight: { ...w, out: w.in, in: w.out },
        y: to + 4 * group * inputs,
      };
      if (isPointwise(call)) pointwise(correlation);
      else correlate(correlation);
    }
  });
}

/** dw = α·Σ over pixels of dy times what the pixel saw + β·dw; dw is laid out as the weight */
export function weightPass(
  call: Convolution,
  { x, dy, beta, dw }: { x: number; dy: number; beta: 0 | 1; dw: TapWeight },
): void {
  const { batch, axes, pixel, alpha, groups, inputs, outputs } = call;
  const features = groups * outputs;
  const shared = { batch, axes, pixel, alpha, beta, lddy: features };
  if (isDepthwise(call)) {
    depthwiseWeightGradient({ ...shared, channels: features, n: features, x, dy, dw });
    return;
  }
  for (let group = 0; group < groups; group++) {
    const target = ofGroup(dw, group, call);
    const [from, dyGroup] = [x + 4 * group * inputs, dy + 4 * group * outputs];
    if (isPointwise(call) && target.in === 1) {
      const a = {
        m: outputs,
        k: batch * axes[0].outputs * axes[1].outputs,
        alpha,
        a: dyGroup,
        aRow: 1,
        aCol: features,
      };
      product({ ...a, n: inputs, b: from, bRow: pixel, bCol: 1, beta, c: target.ptr, ldc: target.out });
    } else {
      const gradient: WeightGradient = { ...shared, channels: inputs, n: outputs, x: from, dy: dyGroup, dw: target };
      if (gradientTilesPay(gradient)) weightGradientByTiles(gradient);
      else weightGradient(gradient);
    }
  }
}
