// The panel: the chosen image, its label and neighbours, the buttons of the classes.

const KEYS = "1234567890abcdefghijklmnopqrstuvwxyz"; // of the first 36 classes

class Panel {
  // choose(image), give(name): what its buttons do.
  constructor(data, labels, sheets, choose, give) {
    Object.assign(this, {data, labels, sheets, choose, give});
    this.neighbours = Array.from({length: data.neighbours}, (_, place) => {
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      canvas.width = canvas.height = data.side;
      button.append(canvas);
      button.addEventListener("click", () => this.choose(neighboursOf(data, this.image)[place], true));
      element("neighbours").append(button);
      return button;
    });
    element("picture").width = element("picture").height = data.side;
  }

  // entry: {note, suggested} of the list that is gone through.
  show(image, entry) {
    Object.assign(this, {image, entry});
    this.refresh();
  }

  refresh() {
    const {data, labels, image} = this;
    this.showClasses();
    if (image < 0) return;
    const label = labels.of(image), came = data.labels[image];
    element("name").textContent = element("name").title = nameOf(data, image);
    element("name").title = keyOf(data, image);
    const words = element("label");
    words.textContent = label < 0 ? "no label" : labels.classes[label];
    if (label !== came && came >= 0) words.append(small(`came as ${labels.classes[came]}`));
    element("note").textContent = this.entry?.note ?? "";
    const suggestion = this.suggestion(), take = element("take");
    take.hidden = !suggestion;
    if (suggestion) take.replaceChildren(`${suggestion.name} (${suggestion.why}) `, keyHint("Enter"));
    this.drawPictures();
  }

  drawPictures() {
    if (!(this.image >= 0)) return;
    const near = neighboursOf(this.data, this.image);
    this.thumbnail(element("picture"), this.image);
    this.neighbours.forEach((button, place) => {
      const other = near[place], label = this.labels.of(other);
      this.thumbnail(button.firstChild, other);
      button.style.borderColor = distinct(label);
      button.title = `${nameOf(this.data, other)}: ${label < 0 ? "no label" : this.labels.classes[label]}`;
      button.setAttribute("aria-label", button.title);
    });
  }

  thumbnail(canvas, image) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    this.sheets.draw(context, image, 0, 0, canvas.width);
  }

  // {name, why}: of the list, else what most labelled neighbours say, if it is not the label already; null: nothing.
  suggestion() {
    const {labels, image} = this, now = labels.of(image);
    if (this.entry?.suggested) return this.entry.suggested === labels.classes[now] ? null : {name: this.entry.suggested, why: "the list's"};
    const votes = new Map(), near = neighboursOf(this.data, image);
    for (const other of near) if (labels.of(other) >= 0) votes.set(labels.of(other), (votes.get(labels.of(other)) ?? 0) + 1);
    const [best, count] = [...votes].reduce((most, vote) => vote[1] > most[1] ? vote : most, [-1, 0]);
    return best < 0 || best === now ? null : {name: labels.classes[best], why: `${count} of ${near.length} neighbours`};
  }

  showClasses() {
    const {labels, image} = this, now = image >= 0 ? labels.of(image) : -1, box = element("classes");
    if (box.childElementCount !== Math.min(labels.classes.length, KEYS.length)) {
      box.replaceChildren(...labels.classes.slice(0, KEYS.length).map((name, number) => {
        const button = document.createElement("button"), dot = document.createElement("i"), words = document.createElement("span");
        dot.className = "dot";
        dot.style.background = distinct(number);
        words.textContent = button.title = name;
        button.setAttribute("aria-keyshortcuts", KEYS[number]);
        button.append(dot, words, keyHint(KEYS[number]));
        button.addEventListener("click", () => this.give(name));
        return button;
      }));
      element("known").replaceChildren(...labels.classes.map(name => new Option(name, name)));
    }
    [...box.children].forEach((button, number) => {
      button.setAttribute("aria-pressed", number === now);
      button.disabled = image < 0;
    });
  }
}

function keyHint(key) {
  const hint = document.createElement("kbd");
  hint.textContent = key;
  hint.setAttribute("aria-hidden", "true");
  return hint;
}

function small(text) {
  const words = document.createElement("small");
  words.textContent = text;
  return words;
}
