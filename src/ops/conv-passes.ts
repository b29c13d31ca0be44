import { inputGradientJoined, joinedPhasesPay } from "./conv-joined.js";
import { eachPhase } from "./conv-phase.js";
import type { Correlation, TapWeight } from "./conv-product.js";
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
export const isPointwise = ({ axes }: Convolution) => isPoint(axes[0]) && isPoint(axes[1]);

const isPoint = ({ taps, stride, first }: Axis) => taps === 1 && stride === 1 && first === 0;

/** Each channel for itself, all of them in one kernel call. */
const isDepthwise = ({ groups, inputs, outputs }: Convolution) => groups > 1 && inputs === 1 && outputs === 1;

/** The weights of one group. */
function ofGroup(weight: TapWeight, group: number, { outputs }: Convolution): TapWeight {
  const { out, in: step, row, column } = weight;
  return { ptr: weight.ptr + 4 * group * outputs * out, out, in: step, row, column };
}

/** y = α·(x ⋆ w) + bias; y is dense, bias an address or 0 */
export function forwardPass(
  call: Convolution,
  { x, weight, bias, y }: { x: number; weight: TapWeight; bias: number; y: number },
): void {
  const { batch, axes, pixel, alpha, groups, inputs, outputs } = call;
  const features = groups * outputs;
  const places = denseOutputs(axes[1].outputs, axes[0].outputs, features);
  if (isDepthwise(call)) {
    const channels = features;
    correlateDepthwise({
      batch,
      axes,
      channels,
      n: features,
      x,
      pixel,
      weight,
      alpha,
      bias,
      beta: 0,
      y,
      outputs: places,
    });
    return;
  }
  const pass = isPointwise(call) ? pointwise : correlate;
  for (let group = 0; group < groups; group++) {
    pass({
      batch,
      axes,
      channels: inputs,
      n: outputs,
      x: x + 4 * group * inputs,
      pixel,
      weight: ofGroup(weight, group, call),
      alpha,
      bias: bias && bias + 4 * group * outputs,
      beta: 0,
      y: y + 4 * group * outputs,
      outputs: places,
    });
  }
}

/** Where windows are single pixels one after the other, what they see is x itself. */
function pointwise(call: Correlation): void {
  const { batch, axes, channels: k, n, x, pixel, weight, alpha, bias, beta, y, outputs } = call;
  const m = batch * axes[0].outputs * axes[1].outputs;
  const { ptr: b, in: bRow, out: bCol } = weight;
  product({ m, n, k, alpha, a: x, aRow: pixel, aCol: 1, b, bRow, bCol, bias, beta, c: y, ldc: outputs.pixel });
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
  const pass = isPointwise(call) ? pointwise : correlate;
  eachPhase(call.axes, (axes, { row, column, tapRow, tapColumn }, tapSteps) => {
    const places = { image: height * width * pixel, row: row.step * width * pixel, pixel: column.step * pixel };
    const reversed: TapWeight = {
      ptr: weight.ptr + 4 * (tapRow * weight.row + tapColumn * weight.column),
      out: weight.out,
      in: weight.in,
      row: -tapSteps[0] * weight.row,
      column: -tapSteps[1] * weight.column,
    };
    const to = dx + 4 * (row.first * width + column.first) * pixel;
    if (isDepthwise(call)) {
      const seen = { batch, axes, channels: features, n: features, x: dy, pixel: features };
      correlateDepthwise({ ...seen, weight: reversed, alpha, bias: 0, beta, y: to, outputs: places });
      return;
    }
    for (let group = 0; group < groups; group++) {
      const { ptr, out, in: step, row, column } = ofGroup(reversed, group, call);
      pass({
        batch,
        axes,
        channels: outputs,
        n: inputs,
        x: dy + 4 * group * outputs,
        pixel: features,
        weight: { ptr, out: step, in: out, row, column },
        alpha,
        bias: 0,
        beta,
        y: to + 4 * group * inputs,
        outputs: places,
      });
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
  if (isDepthwise(call)) {
    const [channels, n, lddy] = [features, features, features];
    depthwiseWeightGradient({ batch, axes, channels, n, x, pixel, dy, lddy, alpha, beta, dw });
    return;
  }
  for (let group = 0; group < groups; group++) {
    const target = ofGroup(dw, group, call);
    const [from, slopes] = [x + 4 * group * inputs, dy + 4 * group * outputs];
    if (isPointwise(call) && target.in === 1) {
      const k = batch * axes[0].outputs * axes[1].outputs;
      const { ptr: c, out: ldc } = target;
      const [m, n, aCol] = [outputs, inputs, features];
      product({ m, n, k, alpha, a: slopes, aRow: 1, aCol, b: from, bRow: pixel, bCol: 1, beta, c, ldc });
    } else {
      const [channels, n, lddy] = [inputs, outputs, features];
      const gradient = { batch, axes, channels, n, x: from, pixel, dy: slopes, lddy, alpha, beta, dw: target };
      if (gradientTilesPay(gradient)) weightGradientByTiles(gradient);
      else weightGradient(gradient);
    }
  }
}
