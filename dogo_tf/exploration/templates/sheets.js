// Thumbnails: sheets are decoded when a picture of theirs is needed, and forgotten when others are needed more.

const KEPT_SHEETS = 40; // 4 MB each, decoded

class Sheets {
  // ready(): called when a sheet has come. damaged(error): when one cannot be read.
  constructor(data, ready, damaged) {
    Object.assign(this, {data, ready, damaged});
    this.kept = new Map(); // number -> ImageBitmap; null: being decoded, or damaged
    this.across = Math.round(Math.sqrt(data.perSheet));
  }

  // Draws an image's thumbnail; false if its sheet is not there yet.
  draw(context, image, x, y, size) {
    const number = Math.floor(image / this.data.perSheet), sheet = this.sheet(number);
    if (!sheet) return false;
    const cell = image - number * this.data.perSheet, side = this.data.side;
    context.drawImage(sheet, (cell % this.across) * side, Math.floor(cell / this.across) * side, side, side, x, y, size, size);
    return true;
  }

  sheet(number) {
    const found = this.kept.get(number);
    if (found) { // to the end: it was used last
      this.kept.delete(number);
      this.kept.set(number, found);
    } else if (found === undefined && this.hasCome(number)) this.decode(number);
    return found;
  }

  // While the browser still reads the page, the last block may be half there.
  hasCome(number) {
    return document.readyState !== "loading" || Boolean(element(`data-sheet-${number}`)?.nextElementSibling);
  }

  async decode(number) {
    this.kept.set(number, null);
    try {
      const blob = new Blob([bytesOf(`sheet-${number}`)], {type: "image/webp"});
      const bitmap = await createImageBitmap(blob);
      this.kept.delete(number);
      this.kept.set(number, bitmap);
      for (const [old, sheet] of this.kept) {
        if (this.kept.size <= KEPT_SHEETS) break;
        if (!sheet || old === number) continue;
        sheet.close();
        this.kept.delete(old);
      }
      this.ready();
    } catch (error) {
      this.damaged(error);
    }
  }
}
