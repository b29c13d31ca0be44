import { choice, flag, type Key, text } from "./config-key.js";

export const precisionNote = "compute_precision has no effect: everything is computed in float32.";
const dtype = choice(["fp16", "bf16", "fp32"], "fp32", "mixed precision");

/** Settings of the official files that choose GPU precision and sharding, by path: accepted and without effect. */
export const precisionKeys: ReadonlyMap<string, Key<unknown>> = new Map<string, Key<unknown>>([
  ["compute_precision.grad_scaler", flag(true, "loss scaling")],
  ...["student", "teacher"].flatMap((branch) =>
    ["backbone", "dino_head", "ibot_head"].flatMap((part) => partSettings(`compute_precision.${branch}.${part}`)),
  ),
]);

function partSettings(path: string): [string, Key<unknown>][] {
  const dtypes = ["param_dtype", "reduce_dtype", "buffer_dtype"];
  return [
    [`${path}.sharding_strategy`, text("SHARD_GRAD_OP", "sharding")],
    ...dtypes.map((name): [string, Key<unknown>] => [`${path}.mixed_precision.${name}`, dtype]),
  ];
}
