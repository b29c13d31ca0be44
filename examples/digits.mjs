// Reads each of 8,000 handwritten digits once, and prints how many of the last 2,000 it knew before it learned them.
import { init, ops, Rng, step } from "poa";
import { batches, EvalTransform, mnist } from "poa/data";
import { Linear } from "poa/nn";
import { AdamW } from "poa/optim";

await init({ threads: "all" });
const [fc1, fc2] = [new Linear(784, 64, { rng: new Rng(1) }), new Linear(64, 10, { rng: new Rng(2) })];
const optimizer = new AdamW([...fc1.parameters(), ...fc2.parameters()], { lr: 3e-3 });
const transform = new EvalTransform({ geometry: { kind: "none", size: 28 }, channels: 1, mean: [0.13], std: [0.31] });
const digits = transform.allocate(100);
let right = 0;
for await (const { iteration, images, labels } of batches(mnist({ split: "train" }), { batchSize: 100, passes: 1 })) {
  transform.write(images, digits);
  const scores = step(() => {
    const logits = fc2.forward(ops.gelu(fc1.forward(digits.reshape([-1, 784]))));
    ops.crossEntropy(logits, labels).backward();
    optimizer.update();
    return Array.from({ length: 100 }, (_, i) => logits.narrow(0, i, 1).toArray());
  });
  if (iteration >= 60) right += scores.filter((row, i) => row[labels[i]] === Math.max(...row)).length;
}
console.log(right / 2000);
