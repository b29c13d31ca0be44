import { drawShapes, pictureOf, rgbOf } from "./images.js";

/** A batch of the recipe; fewer images do not fill a step. */
const FEWEST_IMAGES = 16;
const NEIGHBOURS = 4;

const part = (id) => document.getElementById(id);
const say = (text) => (part("status").textContent = text);

let pictures = [];
let worker = null;

part("files").onchange = ({ target }) => take([...target.files]);
part("drop").ondragover = (event) => event.preventDefault();
part("drop").ondrop = (event) => {
  event.preventDefault();
  take([...event.dataTransfer.files]);
};
part("draw").onclick = () => show(drawShapes(64));
part("start").onclick = start;
part("stop").onclick = () => worker.postMessage({ type: "stop" });

async function take(files) {
  const read = await Promise.allSettled(files.filter(({ type }) => type.startsWith("image/")).map(pictureOf));
  show(read.filter(({ status }) => status === "fulfilled").map(({ value }) => value));
}

function show(canvases) {
  pictures = canvases;
  part("images").replaceChildren(...pictures);
  const enough = pictures.length >= FEWEST_IMAGES;
  part("start").disabled = !enough || worker !== null;
  say(enough ? `${pictures.length} images.` : `${pictures.length} images; at least ${FEWEST_IMAGES} are needed.`);
}

function start() {
  const trained = pictures;
  const losses = [];
  let [steps, threads] = [0, 1];
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  working(true);
  worker.onerror = ({ message }) => end(message || "The worker could not be loaded.");
  worker.onmessage = ({ data }) => {
    if (data.type === "started") ({ steps, threads } = data);
    if (data.type === "step") {
      losses.push(data.loss);
      drawCurve(losses, steps);
      say(`Step ${losses.length} of ${steps}, loss ${data.loss.toFixed(3)}, ${threads} thread(s).`);
    }
    if (data.type === "failed") end(data.message);
    if (data.type === "finished") {
      end(`${data.stopped ? "Stopped" : "Finished"} after ${data.steps} steps, loss ${losses.at(-1)?.toFixed(3)}.`);
      offer(data.bundle);
      markNeighbours(trained, data.features);
    }
  };
  worker.postMessage({ type: "start", images: trained.map(rgbOf), epochs: Number(part("epochs").value) });
}

function end(text) {
  worker.terminate();
  worker = null;
  working(false);
  say(text);
}

/** Offers the encoder as a file, for `loadEncoder` of poa/edge. */
function offer(bundle) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bundle]));
  link.download = "encoder.poa";
  link.textContent = "Download the encoder";
  part("result").replaceChildren(link);
}

function working(yes) {
  for (const id of ["start", "draw", "files"]) part(id).disabled = yes;
  part("stop").disabled = !yes;
}

function drawCurve(losses, steps) {
  const canvas = part("curve");
  const context = canvas.getContext("2d");
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.beginPath();
  for (const [i, loss] of losses.entries())
    context.lineTo((i / steps) * canvas.width, 4 + (1 - (loss - low) / (high - low || 1)) * (canvas.height - 8));
  context.stroke();
}

/** Features have length 1, so that the product of two is their cosine. */
function markNeighbours(canvases, features) {
  part("hint").hidden = false;
  for (const [i, canvas] of canvases.entries()) {
    const cosine = (j) => features[i].reduce((sum, value, k) => sum + value * features[j][k], 0);
    const order = canvases.map((_, j) => j).sort((a, b) => cosine(b) - cosine(a));
    const nearest = order.filter((j) => j !== i).slice(0, NEIGHBOURS);
    canvas.onpointerenter = () => mark(canvases, nearest);
    canvas.onpointerleave = () => mark(canvases, []);
  }
}

function mark(canvases, marked) {
  for (const [j, canvas] of canvases.entries()) canvas.classList.toggle("near", marked.includes(j));
}
