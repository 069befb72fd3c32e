// Puts the parts together, and answers mouse, fingers and keys.

const notices = new Set();

function notice(text) {
  if (text) notices.add(text);
  element("notice").textContent = [...notices].join(" ");
  element("notice").hidden = !notices.size;
}

const AGAIN = "Make the page again with dogo-explore; the labels that you gave are kept in this browser, and come back with it.";

function start(data) {
  const labels = new Labels(data, notice);
  const sheets = new Sheets(
    data,
    () => { map.redraw(); panel.drawPictures(); },
    error => notice(`Pictures of this page are damaged (${error.message}): some stay grey. ${AGAIN}`),
  );
  const looks = colourings(data, labels);
  const lists = [{title: `all ${data.count.toLocaleString("en")} images`, images: null}, ...data.lists];
  if (data.suspicion) lists.push(ordered("suspicious labels first", data.suspicion, 128));
  if (data.disagreement) lists.push(ordered("where the peers disagree most", data.disagreement, 1));
  let list = lists[0], position = -1, chosen = -1, listed = null;

  const map = new ImageMap(element("canvas"), data, sheets, image => looks[element("colour").value || "label"].of(image), () => ({
    chosen, listed, near: chosen < 0 ? [] : neighboursOf(data, chosen),
  }));
  const panel = new Panel(data, labels, sheets, choose, give);

  // Images by a number each, 0..255, the largest first; those below `least` are left out.
  function ordered(title, numbers, least) {
    const images = Array.from(numbers.keys()).filter(image => numbers[image] >= least);
    return {title, images: images.sort((a, b) => numbers[b] - numbers[a] || a - b), notes: [], suggested: []};
  }

  const size = () => list.images ? list.images.length : data.count;
  const imageAt = place => list.images ? list.images[place] : place;

  // elsewhere: not by a step in the list.
  function choose(image, elsewhere = false) {
    chosen = image;
    if (elsewhere) position = list.images ? list.images.indexOf(image) : image;
    panel.show(image, position >= 0 && list.images ? {note: list.notes[position], suggested: list.suggested[position]} : null);
    map.show(image);
    refresh();
    const label = labels.of(image);
    say(`${nameOf(data, image)}, ${label < 0 ? "no label" : labels.classes[label]}`);
  }

  function step(by) {
    if (!size()) return;
    position = position < 0 && by < 0 ? size() - 1 : clamp(position + by, 0, size() - 1);
    choose(imageAt(position));
  }

  function give(name) {
    if (chosen < 0) return say("Choose an image first.");
    labels.give(chosen, name === null ? -1 : labels.classOf(name));
    changed(chosen);
    if (element("onwards").checked && name !== null && position >= 0 && position < size() - 1) step(1);
    else say(name === null ? "label taken away" : `labelled ${name}`);
  }

  function undo() {
    const image = labels.undo();
    if (image === undefined) return say("Nothing to undo.");
    changed(image);
    choose(image, true);
  }

  function changed(image) {
    map.recolourOne(image);
    panel.refresh();
    refresh();
  }

  function refresh() {
    const labelled = list.images ? list.images.filter(image => labels.of(image) >= 0).length : labels.count();
    element("position").textContent = `${position < 0 ? "–" : (position + 1).toLocaleString("en")} of ${size().toLocaleString("en")}`;
    element("done").value = size() ? labelled / size() : 0;
    element("back").disabled = position <= 0;
    element("next").disabled = position >= size() - 1;
    element("undo").disabled = !labels.past.length;
    const count = list.images ? labels.count() : labelled, here = labels.changed.size;
    element("download").disabled = !count;
    element("count").textContent = `${count.toLocaleString("en")} labelled, ${here.toLocaleString("en")} of them here`;
  }

  function say(text) {
    element("said").textContent = text;
  }

  function download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(labels.csv(), {type: "text/csv"}));
    link.download = "labels.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say("labels.csv downloaded");
  }

  function recolour() {
    map.recolour();
    const look = looks[element("colour").value], bar = document.createElement("i");
    bar.style.background = `linear-gradient(90deg, ${[0, 0.2, 0.4, 0.6, 0.8, 1].map(onScale).join(", ")})`;
    element("legend").replaceChildren(...(look.ends ? [look.ends[0], bar, look.ends[1]] : []));
  }

  element("colour").replaceChildren(...Object.entries(looks).map(([name, look]) => new Option(look.title, name)));
  element("list").replaceChildren(...lists.map((each, number) => new Option(each.images ? `${each.title} (${each.images.length.toLocaleString("en")})` : each.title, number)));
  element("colour").value = data.labels.some(label => label >= 0) || labels.changed.size ? "label" : "cluster";
  element("colour").addEventListener("change", recolour);
  element("size").addEventListener("input", event => { map.pictureSize = Number(event.target.value); map.redraw(); });
  element("list").addEventListener("change", event => {
    list = lists[Number(event.target.value)];
    listed = list.images && new Set(list.images);
    position = -1;
    step(1);
    if (!size()) refresh();
    map.redraw();
  });
  for (const [id, act] of Object.entries({
    back: () => step(-1), next: () => step(1), undo, download,
    nearer: () => map.zoomAtChosen(1.5), farther: () => map.zoomAtChosen(1 / 1.5), whole: () => map.whole(),
    take: () => give(panel.suggestion().name),
  })) element(id).addEventListener("click", act);
  element("adding").addEventListener("submit", event => {
    event.preventDefault();
    const name = element("added").value.trim();
    element("added").value = "";
    element("canvas").focus();
    if (name) give(name);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  addEventListener("storage", event => { // another tab with the same images
    if (event.key !== labels.key) return;
    labels.load();
    map.recolour();
    panel.refresh();
    refresh();
  });
  listenToPointers(element("canvas"), map, image => choose(image, true));
  listenToKeys({
    step, undo, map,
    give: number => { if (number < labels.classes.length) give(labels.classes[number]); },
    takeAway: () => give(null),
    take: () => { const found = chosen >= 0 && panel.suggestion(); if (found) give(found.name); },
  });
  element("canvas").setAttribute("aria-label", `Map of ${data.count} images, by ${data.map} of what ${data.encoder} sees`);
  notice();
  panel.show(-1, null);
  recolour();
  refresh();
  addEventListener("DOMContentLoaded", () => {
    if (!element("end")) notice(`This page is not whole: its end is missing. ${AGAIN}`);
    map.redraw();
  });
}

try {
  start(readData());
} catch (error) {
  if (!(error instanceof Damaged)) throw error;
  notice(`This page is damaged: ${error.message}. ${AGAIN}`);
}
