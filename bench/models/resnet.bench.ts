import { passesOf } from "../../src/cli/bench/model-passes.js";
import { ResNet } from "../../src/models/resnet.js";
import { Rng } from "../../src/tensor/random.js";
import { resnets } from "../shapes.js";

export const cases = passesOf("resnet", resnets, (shape) => new ResNet({ ...shape, norm: "group", rng: new Rng(0) }));
