import * as assert from "uvu/assert";
import { DataError } from "../../src/errors.js";
import { classify } from "../../src/eval/classify.js";
import { Classifier } from "../../src/models/classifier.js";
import { trainableCopy } from "../../src/models/encoder.js";
import { init, memory } from "../../src/runtime/context.js";
import { Rng } from "../../src/tensor/random.js";
import { squareSource } from "../support/square-run.js";
import { test } from "../support/test.js";
import { tinyEncoder } from "../support/tiny-encoder.js";

await init();

const encoder = tinyEncoder();
const model = new Classifier(trainableCopy(encoder), { classes: 2, rng: new Rng(1) });
const source = squareSource(70);

/** Makes the classifier answer one class, whatever it sees. */
function always(answer: number): void {
  const { head } = model;
  for (const x of head.parameters()) x.write(new Float32Array(x.numel));
  head.parameters()[1].write([answer === 0 ? 1 : 0, answer === 1 ? 1 : 0]);
}

test("the answer is the class with the largest logit, and accuracy the share of right ones", async () => {
  always(1);
  const { top1, correct, answers, labels } = await classify(source, model, encoder.spec);
  assert.is(top1, 0.5);
  assert.ok(answers.every((answer) => answer === 1));
  assert.equal([...correct], [...labels]);
  always(2);
  const tied = await classify(source, model, encoder.spec);
  assert.ok(
    tied.answers.every((answer) => answer === 0),
    "of equal logits the first wins",
  );
});

test("broken images are left out, and memory is given back", async () => {
  const read = (index: number) => {
    if (index === 5) throw new DataError("image 5: broken.");
    return source.read(index);
  };
  const warnings: string[] = [];
  const before = memory().persistentBytes;
  const { labels } = await classify({ ...source, read }, model, encoder.spec, { onWarning: (m) => warnings.push(m) });
  assert.equal([labels.length, warnings.length], [69, 1]);
  assert.is(memory().persistentBytes, before);
});

test("images without labels are refused", async () => {
  await classify({ ...source, labels: null }, model, encoder.spec).then(
    () => assert.unreachable(),
    (error: unknown) => assert.instance(error, DataError),
  );
});
