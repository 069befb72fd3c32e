// Embeds a picture by an exported .tflite in this browser, and shows the nearest pictures of a small gallery.
import {loadAndCompile, loadLiteRt, Tensor} from "@litertjs/core";
import {toSquare} from "./pixels.js";

const NEAREST = 6;
const element = (id) => document.getElementById(id);
const state = (word) => { document.documentElement.dataset.state = word; };

async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} is missing (${answer.status}): build the page again.`);
  return answer;
}

/** The outputs of one picture: name -> Float32Array. */
async function run(model, description, blob) {
  const [, height, width] = description.input.shape;
  if (height !== width) throw new Error(`This network takes ${height} x ${width} pixels; the page crops squares only.`);
  const pixels = new Tensor(await toSquare(blob, height), [1, height, width, 3]);
  const outputs = await model.run({[description.input.name]: pixels});
  const found = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    found[name] = Float32Array.from(await tensor.data());
    tensor.delete();
  }
  pixels.delete();
  return found;
}

function unit(features) {
  const length = Math.hypot(...features) || 1;
  return features.map((value) => value / length);
}

/** The most probable label and its probability. */
function classify(logits, labels) {
  const largest = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp(logit - largest));
  const best = shares.indexOf(Math.max(...shares));
  return [labels[best], shares[best] / shares.reduce((a, b) => a + b, 0)];
}

async function start() {
  await loadLiteRt("./vendor/wasm/");
  const description = await (await fetched("model.json")).json();
  const model = await loadAndCompile("model.tflite", {accelerator: "wasm"});
  const gallery = await (await fetched("gallery.json")).json();
  for (const entry of gallery) {
    const {features} = await run(model, description, await (await fetched(entry.file)).blob());
    entry.features = unit(features);
  }

  async function show(blob) {
    element("problem").textContent = "";
    state("busy");
    try {
      const {features, logits} = await run(model, description, blob);
      const query = unit(features);
      for (const entry of gallery) entry.cosine = entry.features.reduce((sum, value, k) => sum + value * query[k], 0);
      const nearest = gallery.toSorted((a, b) => b.cosine - a.cosine).slice(0, NEAREST);
      URL.revokeObjectURL(element("query").src);
      element("query").src = URL.createObjectURL(blob);
      element("label").textContent = "";
      if (logits && description.labels) {
        const [label, share] = classify(logits, description.labels);
        element("label").textContent = `${label} (${(100 * share).toFixed(0)} %)`;
      }
      element("nearest").replaceChildren(...nearest.map(item));
      element("features").textContent = JSON.stringify(Array.from(features));
      element("answer").hidden = false;
      state("done");
    } catch (error) {
      element("answer").hidden = true;
      fail(error);
    }
  }

  element("file").addEventListener("change", ({target}) => target.files[0] && show(target.files[0]));
  const drop = element("drop");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files[0]) show(event.dataTransfer.files[0]);
    });
  }
  element("status").textContent = `Ready: ${gallery.length} pictures to compare with.`;
  state("ready");
  // index.html#picture=gallery/00.jpg begins with that picture.
  const linked = new URLSearchParams(location.hash.slice(1)).get("picture");
  if (linked) await show(await (await fetched(linked)).blob());
}

function item({file, caption, cosine}) {
  const line = document.createElement("li"), picture = document.createElement("img"), text = document.createElement("small");
  picture.src = file;
  picture.alt = caption;
  text.textContent = `${cosine.toFixed(3)}  ${caption}`;
  line.append(picture, text);
  return line;
}

function fail(error) {
  element("problem").textContent = error.message;
  state("failed");
}

start().catch(fail);
