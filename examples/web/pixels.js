// From a picture to the pixels that the network saw in training: the same steps as `to_square` in runtime.py.

/** Uint8Array [size * size * 3], RGB, of the picture's largest centred square. Throws if it is no picture. */
export async function toSquare(blob, size) {
  let bitmap;
  try {
    // Upright by its EXIF data; the colours as they are in the file.
    bitmap = await createImageBitmap(blob, {imageOrientation: "from-image", colorSpaceConversion: "none"});
  } catch (error) {
    throw new Error(`This file cannot be read as a picture (${blob.type || "unknown type"}).`, {cause: error});
  }
  const side = Math.min(bitmap.width, bitmap.height);
  const left = Math.floor((bitmap.width - side) / 2), top = Math.floor((bitmap.height - side) / 2);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "white";  // behind transparency
  context.fillRect(0, 0, side, side);
  context.drawImage(bitmap, left, top, side, side, 0, 0, side, side);
  bitmap.close();
  const {data} = context.getImageData(0, 0, side, side);
  const rgb = new Uint8Array(side * side * 3);
  for (let pixel = 0; pixel < side * side; pixel++) {
    for (let channel = 0; channel < 3; channel++) rgb[3 * pixel + channel] = data[4 * pixel + channel];
  }
  return side === size ? rgb : resize(rgb, side, size);
}

/** Pillow's BILINEAR: a triangle as wide as the reduction, rows first, rounded to bytes in between. */
function resize(rgb, from, to) {
  const weights = triangles(from, to);
  const narrow = new Uint8Array(from * to * 3);
  for (let y = 0; y < from; y++) {
    weights.forEach(({start, shares}, x) => {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        shares.forEach((share, k) => { sum += share * rgb[3 * (y * from + start + k) + channel]; });
        narrow[3 * (y * to + x) + channel] = Math.floor(sum + 0.5);
      }
    });
  }
  const small = new Uint8Array(to * to * 3);
  weights.forEach(({start, shares}, y) => {
    for (let place = 0; place < 3 * to; place++) {
      let sum = 0;
      shares.forEach((share, k) => { sum += share * narrow[(start + k) * to * 3 + place]; });
      small[y * to * 3 + place] = Math.floor(sum + 0.5);
    }
  });
  return small;
}

function triangles(from, to) {
  const scale = from / to, reach = Math.max(scale, 1);
  return Array.from({length: to}, (_, place) => {
    const centre = (place + 0.5) * scale;
    const start = Math.max(0, Math.floor(centre - reach + 0.5)), end = Math.min(from, Math.floor(centre + reach + 0.5));
    const raw = Array.from({length: end - start}, (_, k) => Math.max(0, 1 - Math.abs((start + k - centre + 0.5) / reach)));
    const sum = raw.reduce((a, b) => a + b, 0);
    return {start, shares: raw.map((share) => share / sum)};
  });
}
