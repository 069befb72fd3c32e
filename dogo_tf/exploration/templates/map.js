// The map: a point for every image, and pictures in cells as many as have room. Units of the map are 0 .. 65535 in both directions.

const SIDE = 65536, BITS = 16, MARGIN = 24, GAP = 3;

class ImageMap {
  // marks(): {chosen, near: numbers of images, listed: Set or null}. colour(image): "#rrggbb".
  constructor(canvas, data, sheets, colour, marks) {
    Object.assign(this, {canvas, data, sheets, colour, marks, pictureSize: 32});
    this.context = canvas.getContext("2d");
    this.waiting = false;
    this.someDrawn = false;
    this.recolour();
    this.moved = false; // by the user: then a new size of the window leaves the view as it is
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  recolour() {
    this.ground = getComputedStyle(document.documentElement).getPropertyValue("--page").trim();
    this.colours = Array.from({length: this.data.count}, (_, image) => this.colour(image));
    this.packed = Uint32Array.from(this.colours, hex => packed(rgb(hex)));
    this.redraw();
  }

  recolourOne(image) {
    this.colours[image] = this.colour(image);
    this.packed[image] = packed(rgb(this.colours[image]));
    this.redraw();
  }

  resize() {
    this.ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.max(1, Math.round(this.width * this.ratio));
    this.canvas.height = Math.max(1, Math.round(this.height * this.ratio));
    this.image = new ImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    if (!this.moved) return this.whole();
    if (this.marks().chosen >= 0) return this.show(this.marks().chosen);
    this.redraw();
  }

  whole() {
    this.fitting = Math.max(1, Math.min(this.width, this.height) - 2 * MARGIN) / SIDE;
    Object.assign(this, {scale: this.fitting, centreX: SIDE / 2, centreY: SIDE / 2, moved: false});
    this.redraw();
  }

  // By CSS pixels.
  pan(dx, dy) {
    this.centreX = clamp(this.centreX - dx / this.scale, 0, SIDE);
    this.centreY = clamp(this.centreY - dy / this.scale, 0, SIDE);
    this.moved = true;
    this.redraw();
  }

  // Around the chosen image, if it is on the screen, else the middle.
  zoomAtChosen(factor) {
    const {chosen} = this.marks(), [x, y] = chosen >= 0 ? this.at(chosen) : [-1, -1];
    const onScreen = x >= 0 && y >= 0 && x < this.width && y < this.height;
    this.zoom(factor, ...(onScreen ? [x, y] : [this.width / 2, this.height / 2]));
  }

  // By a factor, around a place of the canvas.
  zoom(factor, x, y) {
    const before = this.scale;
    this.scale = clamp(before * factor, this.fitting / 2, 64);
    this.centreX = clamp(this.centreX + (x - this.width / 2) * (1 / before - 1 / this.scale), 0, SIDE);
    this.centreY = clamp(this.centreY + (y - this.height / 2) * (1 / before - 1 / this.scale), 0, SIDE);
    this.moved = true;
    this.redraw();
  }

  // Moves no more than needed to have an image on the screen.
  show(image) {
    const [x, y] = this.at(image), edge = Math.min(60, this.width / 4, this.height / 4);
    if (x > edge && y > edge && x < this.width - edge && y < this.height - edge) return this.redraw();
    this.centreX = this.data.x[image];
    this.centreY = this.data.y[image];
    this.moved = true;
    this.redraw();
  }

  at(image) {
    return [
      (this.data.x[image] - this.centreX) * this.scale + this.width / 2,
      (this.data.y[image] - this.centreY) * this.scale + this.height / 2,
    ];
  }

  // The level whose cells are at least as large as pictures are to be, and the side of its cells in CSS pixels; null: no pictures.
  level() {
    if (!this.pictureSize) return null;
    const level = clamp(Math.floor(BITS - Math.log2(this.pictureSize / this.scale)), 0, BITS);
    return {level, cell: this.scale * 2 ** (BITS - level), shift: BITS - level};
  }

  cellAt(image, {cell, shift}) {
    const left = (((this.data.x[image] >> shift) << shift) - this.centreX) * this.scale + this.width / 2;
    const top = (((this.data.y[image] >> shift) << shift) - this.centreY) * this.scale + this.height / 2;
    return left > -cell && top > -cell && left < this.width && top < this.height ? [left, top] : null;
  }

  // The image under a place of the canvas; -1: none is near.
  hit(x, y) {
    const chosen = this.marks().chosen;
    if (chosen >= 0) {
      const [cx, cy] = this.at(chosen), half = this.chosenSize() / 2;
      if (Math.abs(x - cx) < half && Math.abs(y - cy) < half) return chosen;
    }
    const shown = this.level();
    if (shown) {
      for (let image = 0; image < this.data.levels[shown.level]; image++) {
        const place = this.cellAt(image, shown);
        if (place && x >= place[0] && y >= place[1] && x < place[0] + shown.cell && y < place[1] + shown.cell) return image;
      }
    }
    let best = -1, nearest = 14 ** 2;
    for (let image = 0; image < this.data.count; image++) {
      const [px, py] = this.at(image), distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < nearest) [best, nearest] = [image, distance];
    }
    return best;
  }

  redraw() {
    if (this.waiting || !this.pixels) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    const context = this.context, shown = this.level();
    this.drawPoints();
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const marks = this.marks();
    if (shown) this.drawPictures(shown, marks);
    this.drawMarks(marks);
  }

  // Written as pixels: a hundred thousand points take milliseconds, whatever draws the canvas.
  drawPoints() {
    const {pixels, packed: colours, data} = this, {width, height} = this.canvas;
    pixels.fill(packed(rgb(this.ground)));
    const scale = this.scale * this.ratio;
    const left = width / 2 - this.centreX * scale, top = height / 2 - this.centreY * scale;
    const crowd = Math.sqrt((width * height) / data.count) * Math.sqrt(this.scale / this.fitting);
    const disc = discOf(clamp(crowd / 3, 1.5 * this.ratio, 7 * this.ratio), width), reach = disc.reach;
    for (let image = data.count - 1; image >= 0; image--) {
      const x = Math.round(data.x[image] * scale + left), y = Math.round(data.y[image] * scale + top);
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      const centre = y * width + x, colour = colours[image];
      for (const offset of disc.offsets) pixels[centre + offset] = colour;
    }
    this.context.putImageData(this.image, 0, 0);
  }

  drawPictures(shown, marks) {
    const context = this.context, size = shown.cell - GAP, frame = clamp(size / 18, 1.5, 4);
    context.imageSmoothingEnabled = size < 2 * this.data.side;
    for (let image = 0; image < this.data.levels[shown.level]; image++) {
      const place = this.cellAt(image, shown);
      if (!place) continue;
      const [x, y] = place;
      if (marks.listed && !marks.listed.has(image)) { // faded, with no points shining through
        context.fillStyle = this.ground;
        context.fillRect(x, y, size, size);
        context.globalAlpha = 0.45;
      }
      context.fillStyle = this.colours[image];
      context.fillRect(x, y, size, size);
      this.someDrawn = this.sheets.draw(context, image, x + frame, y + frame, size - 2 * frame) || this.someDrawn;
      context.globalAlpha = 1;
    }
    if (this.someDrawn && !this.marked) this.marked = performance.mark("first-picture"); // for whoever measures the page
  }

  chosenSize() {
    return Math.max(64, 1.15 * (this.level()?.cell ?? 0));
  }

  drawMarks({chosen, near, listed}) {
    const context = this.context, ink = getComputedStyle(this.canvas).color;
    if (listed) for (const image of listed) this.ring(...this.at(image), 4, ink, 1.5, this.colours[image]);
    if (chosen < 0) return;
    const [x, y] = this.at(chosen), half = this.chosenSize() / 2;
    context.strokeStyle = ink;
    context.lineWidth = 1.2;
    context.globalAlpha = 0.75;
    context.beginPath();
    for (const image of near) {
      context.moveTo(x, y);
      context.lineTo(...this.at(image));
    }
    context.stroke();
    context.globalAlpha = 1;
    for (const image of near) this.ring(...this.at(image), 5, ink, 2, this.colours[image]);
    context.fillStyle = ink;
    context.fillRect(x - half - 2, y - half - 2, 2 * half + 4, 2 * half + 4);
    context.fillStyle = this.colours[chosen];
    context.fillRect(x - half, y - half, 2 * half, 2 * half);
    context.imageSmoothingEnabled = false;
    this.sheets.draw(context, chosen, x - half + 4, y - half + 4, 2 * half - 8);
  }

  ring(x, y, radius, ink, width, inside) {
    const context = this.context;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    if (inside) {
      context.fillStyle = inside;
      context.fill();
    }
    context.strokeStyle = ink;
    context.lineWidth = width;
    context.stroke();
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const packed = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

// Which pixels around its centre a disc covers, as offsets in rows of `width`.
function discOf(diameter, width) {
  const reach = Math.floor(diameter / 2), offsets = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) if (x * x + y * y <= (diameter / 2) ** 2) offsets.push(y * width + x);
  }
  return {reach, offsets: Int32Array.from(offsets)};
}
