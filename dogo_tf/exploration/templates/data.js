// What the page holds: blocks of base64, each with the CRC-32 of its bytes.

class Damaged extends Error {}

const CRC = Uint32Array.from({length: 256}, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

function crc32(bytes) {
  let rest = 0xffffffff;
  for (let k = 0; k < bytes.length; k++) rest = CRC[(rest ^ bytes[k]) & 255] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

const element = id => document.getElementById(id);

// The bytes of a block; throws Damaged if they are not those that were written.
function bytesOf(name) {
  const block = element(`data-${name}`);
  if (!block) throw new Damaged(`${name} is missing`);
  let text;
  try { text = atob(block.textContent); } catch { throw new Damaged(`${name} cannot be read`); }
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  if (crc32(bytes) !== Number(block.dataset.crc)) throw new Damaged(`${name} has another checksum`);
  return bytes;
}

// Everything but the thumbnails. Images have the numbers of their appearance on the map, 0 .. count - 1.
function readData() {
  const ifThere = name => element(`data-${name}`) ? bytesOf(name) : null;
  const data = JSON.parse(new TextDecoder().decode(bytesOf("about")));
  data.digest = document.documentElement.dataset.digest;
  const places = new Uint16Array(bytesOf("places").buffer);
  data.count = places.length / 2;
  data.x = places.filter((_, k) => k % 2 === 0);
  data.y = places.filter((_, k) => k % 2 === 1);
  data.rows = new Uint32Array(bytesOf("rows").buffer);
  data.labels = new Int32Array(bytesOf("labels").buffer);
  data.nearest = new Uint32Array(bytesOf("neighbours").buffer);
  data.clusters = bytesOf("clusters");
  data.suspicion = ifThere("suspicion");
  data.disagreement = ifThere("disagreement");
  return data;
}

const neighboursOf = (data, image) => data.nearest.subarray(image * data.neighbours, (image + 1) * data.neighbours);

// What stands for an image in a list of labels: its file, or its number in the set.
const keyOf = (data, image) => data.files.length ? data.folder + data.files[image] : String(data.rows[image]);
const nameOf = (data, image) => data.files.length ? keyOf(data, image).split("/").slice(-2).join("/") : `image ${data.rows[image]}`;
