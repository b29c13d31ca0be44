import { passesOf } from "../../src/cli/bench/model-passes.js";
import { SwinTransformer } from "../../src/models/swin.js";
import { Rng } from "../../src/tensor/random.js";
import { swins } from "../shapes.js";

export const cases = passesOf("swin", swins, (shape) => new SwinTransformer({ ...shape, rng: new Rng(0) }));
