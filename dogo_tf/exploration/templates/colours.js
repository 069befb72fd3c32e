// What the colour of an image says.

const DISTINCT = ["#4269d0", "#efb118", "#ff725c", "#3ca951", "#a463f2", "#6cc5b0", "#ff8ab7", "#9c6b4e", "#97bbf5", "#c2b93a"];
const NONE = "#9aa1ab";
const SCALE = ["#8b97a8", "#b59a86", "#d99455", "#ee7a2e", "#e2401f", "#b3003c"].map(rgb); // from nothing to much

function rgb(hex) {
  return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
}

function hexOf(red, green, blue) {
  return "#" + [red, green, blue].map(value => Math.round(value).toString(16).padStart(2, "0")).join("");
}

// Of a class or cluster; beyond the first ten by turns of the golden angle.
function distinct(number) {
  if (number < 0) return NONE;
  if (number < DISTINCT.length) return DISTINCT[number];
  const hue = (number * 137.508) % 360, light = [0.45, 0.58, 0.68][number % 3];
  const channel = turn => {
    const k = (turn + hue / 30) % 12;
    return 255 * (light - 0.55 * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return hexOf(channel(0), channel(8), channel(4));
}

// share: 0..1
function onScale(share) {
  const at = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1), low = Math.min(Math.floor(at), SCALE.length - 2);
  return hexOf(...SCALE[low].map((value, k) => value + (SCALE[low + 1][k] - value) * (at - low)));
}

const STEPS = Array.from({length: 256}, (_, value) => onScale(value / 255));

// name -> {title, of(image) -> "#rrggbb", ends: words at the two ends of the scale}
function colourings(data, labels) {
  const found = {label: {title: "label", of: image => distinct(labels.of(image))}};
  found.cluster = {title: "cluster", of: image => distinct(data.clusters[image])};
  if (data.suspicion) {
    // Below the middle the neighbours agree with the label.
    const of = image => STEPS[Math.max(0, 2 * data.suspicion[image] - 255)];
    found.suspicion = {title: "suspicion", of, ends: ["label fits", "neighbours contradict"]};
  }
  if (data.disagreement) {
    const of = image => STEPS[data.disagreement[image]];
    found.disagreement = {title: "disagreement of the peers", of, ends: ["same neighbours", "no neighbour in common"]};
  }
  return found;
}
