import * as assert from "uvu/assert";
import { step } from "../../src/autograd/tape.js";
import { BasicBlock, Bottleneck, type ResidualBlockOptions } from "../../src/nn/residual-block.js";
import { relu } from "../../src/ops/activation.js";
import { init } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { close } from "../support/close.js";
import { gradcheck, leaf, numbers } from "../support/gradcheck.js";
import { initDouble } from "../support/runtime.js";
import { test } from "../support/test.js";

const kinds = { bottleneck: Bottleneck, "basic block": BasicBlock };

function options(changes: Partial<ResidualBlockOptions> = {}): ResidualBlockOptions {
  const shape = { inChannels: 4, middle: 6, outChannels: 8, stride: 2 };
  return { ...shape, norm: "group", groups: 2, rng: new Rng(1), ...changes };
}

for (const [kind, Block] of Object.entries(kinds)) {
  const block = (changes: Partial<ResidualBlockOptions> = {}) => {
    const made = new Block(options(changes));
    for (const [name, x] of made.namedParameters()) x.write(numbers(x.shape, x.numel + name.length));
    return made;
  };

  test(`a ${kind} has a shortcut of its own where its shape or its resolution changes`, async () => {
    await init();
    assert.ok(block().downsample);
    assert.ok(block({ inChannels: 8 }).downsample);
    assert.is(block({ inChannels: 8, stride: 1 }).downsample, null);
    assert.equal(
      step(() => block().forward(leaf([2, 5, 6, 4], 1)).shape),
      [2, 3, 3, 8],
    );
    assert.is(block().outputSide(5), 3);
  });

  test(`a ${kind} whose last norm gives 0 is the rectified shortcut`, async () => {
    await init();
    const same = block({ inChannels: 8, stride: 1 });
    const last = same instanceof Bottleneck ? same.norm3 : same.norm2;
    for (const x of [last.weight, last.bias]) x.write(new Float32Array(8));
    const x = leaf([1, 3, 4, 8], 1);
    close(step(() => same.forward(x)).toArray(), step(() => relu(x)).toArray(), 1e-6);
  });

  test(`backward of a ${kind} and of its slice is the derivative`, async () => {
    await initDouble();
    for (const changes of [{}, { inChannels: 8, stride: 1 }]) {
      const full = block(changes);
      const x = leaf([1, 4, 4, full.conv1.weight.shape[1]], 1);
      gradcheck(() => full.forward(x), [x, ...full.parameters()], { samples: 12, h: 1e-6 });
      gradcheck(() => full.slice(4).forward(x), [x, ...full.parameters()], { samples: 12, h: 1e-6 });
    }
  });
}
