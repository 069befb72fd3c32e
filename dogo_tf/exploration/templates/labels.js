// Labels: those that came with the data, and what was changed here, which this browser keeps.

class Labels {
  // trouble(text): called when the browser does not keep them, or not all of them are here.
  constructor(data, trouble) {
    Object.assign(this, {data, trouble});
    this.classes = [...data.classes];
    this.numbers = new Map(this.classes.map((name, number) => [name, number]));
    this.changed = new Map(); // image -> index of a class, or -1: taken away
    this.past = []; // [image, what `changed` said of it before]
    this.key = `dogo-explore:${data.digest}`;
    this.imageOf = new Map(Array.from(data.rows, (row, image) => [row, image]));
    this.elsewhere = {}; // what is kept of images that are not on this page
    this.load();
  }

  of(image) {
    return this.changed.get(image) ?? this.data.labels[image];
  }

  // The index of a class by its name; a new one is added.
  classOf(name) {
    if (!this.numbers.has(name)) {
      this.numbers.set(name, this.classes.length);
      this.classes.push(name);
    }
    return this.numbers.get(name);
  }

  give(image, label) {
    if (this.of(image) === label && (this.changed.has(image) || label < 0)) return;
    this.past.push([image, this.changed.get(image)]);
    if (label < 0 && this.data.labels[image] < 0) this.changed.delete(image);
    else this.changed.set(image, label);
    this.save();
  }

  // The image whose last change was undone; undefined if there is none.
  undo() {
    const last = this.past.pop();
    if (!last) return undefined;
    const [image, before] = last;
    if (before === undefined) this.changed.delete(image);
    else this.changed.set(image, before);
    this.save();
    return image;
  }

  // By names of classes and numbers in the set: a page that is made anew may number both otherwise.
  save() {
    const kept = {...this.elsewhere};
    for (const [image, label] of this.changed) kept[this.data.rows[image]] = label < 0 ? null : this.classes[label];
    try {
      localStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      this.trouble("This browser does not keep your labels. Download them before you close this page.");
    }
  }

  load() {
    let text = null;
    try { text = localStorage.getItem(this.key); } catch { /* save says so when there is something to lose */ }
    this.changed.clear();
    this.elsewhere = {};
    if (text === null) return;
    try {
      for (const [row, name] of Object.entries(JSON.parse(text))) {
        const image = this.imageOf.get(Number(row));
        if (image === undefined) this.elsewhere[row] = name;
        else this.changed.set(image, name === null ? -1 : this.classOf(String(name)));
      }
      const others = Object.values(this.elsewhere).filter(name => name !== null).length;
      if (others) {
        this.trouble(`${others} more labels that this browser keeps are of images that are not on this page: `
          + "a download leaves them out.");
      }
    } catch {
      localStorage.setItem(`${this.key}:unreadable`, text);
      this.trouble(`The labels that this browser keeps cannot be read; they are set aside as ${this.key}:unreadable.`);
    }
  }

  // How many images have a label now.
  count() {
    let found = 0;
    for (let image = 0; image < this.data.count; image++) if (this.of(image) >= 0) found++;
    return found;
  }

  // A list that --dataset takes: path,label of every image that has one; image,label where images have no files.
  csv() {
    const lines = [[this.data.files.length ? "path" : "image", "label"]];
    for (let image = 0; image < this.data.count; image++) {
      if (this.of(image) >= 0) lines.push([keyOf(this.data, image), this.classes[this.of(image)]]);
    }
    return utf8(lines.map(cells => cells.map(quoted).join(",") + "\n").join(""));
  }
}

const quoted = cell => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

// Text as bytes. Names of files may hold bytes that are no UTF-8, which Python wrote as lone surrogates U+DC80 .. U+DCFF.
function utf8(text) {
  const encoder = new TextEncoder();
  return text.split(/([\udc80-\udcff])/u).map((part, k) =>
    k % 2 ? Uint8Array.of(part.charCodeAt(0) - 0xdc00) : encoder.encode(part));
}
