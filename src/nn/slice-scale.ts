import { derive, Module } from "./module.js";

/** A layer whose slices may keep the scale of the whole. */
export interface ScaledLayer {
  /** Factor of the layer's input. */
  readonly inputScale: number;
  /** Whether a slice multiplies its input by full / active inputs, so that its outputs keep their scale (α, spec §2.4). */
  readonly sliceScale: boolean;
}

/** The input factor of a slice of `layer`, whose inputs are `ratio` times those of the slice. */
export function scaleOfSlice({ inputScale, sliceScale }: ScaledLayer, ratio: number): number {
  return sliceScale ? inputScale * ratio : inputScale;
}

/** The same network over the same tensors, whose slices do without the factor: what the factor is worth can be measured so. */
export function withoutSliceScale<M extends Module>(module: M): M {
  const parts = Object.entries(module).map(([key, value]) => [key, withoutIn(value)]);
  const own = "sliceScale" in module ? { sliceScale: false } : {};
  return derive<M>(module, { ...Object.fromEntries(parts), ...own } as Partial<M>);
}

function withoutIn(value: unknown): unknown {
  if (value instanceof Module) return withoutSliceScale(value);
  return Array.isArray(value) ? value.map(withoutIn) : value;
}
