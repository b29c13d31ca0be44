import { init } from "poa";
import { EdgeEncoder } from "poa/edge";
import { encoderBundle, imageArray, presets, pretrain } from "poa/pretrain";

let controller = new AbortController();

self.onmessage = ({ data }) => {
  if (data.type === "stop") {
    controller.abort();
    postMessage({ type: "stopping" });
    return;
  }
  train(data).catch((error) => postMessage({ type: "failed", message: String(error?.message ?? error) }));
};

/** Pre-trains, and tells after every step. The step that runs when `stop` comes is the last. */
async function train({ images, epochs }) {
  controller = new AbortController();
  const { signal } = controller;
  const { threads } = await init({ threads: "all" }); // one where the page is not isolated
  const { settings } = presets["vit-tiny"];
  const optim = { ...settings.optim, epochs, warmup_epochs: epochs / 10 };
  const run = pretrain(imageArray(images), { ...settings, optim }, { signal });
  postMessage({ type: "started", steps: run.trainer.plan.totalIterations, threads });
  for await (const { iteration, loss } of run) postMessage({ type: "step", iteration, loss });
  const encoder = run.trainer.encoder();
  const bundle = encoderBundle(encoder);
  const features = new EdgeEncoder(encoder, { unitLength: true }).embedBatch(images);
  postMessage({ type: "finished", steps: run.trainer.iteration, stopped: signal.aborted, bundle, features });
}
