// Mouse, fingers and keys.

// On the map: drag, pinch, wheel; choose(image) on a click or tap.
function listenToPointers(canvas, map, choose) {
  const down = new Map(); // id of a pointer -> [x, y]
  let travelled = 0;
  canvas.addEventListener("pointerdown", event => {
    canvas.setPointerCapture(event.pointerId);
    if (!down.size) travelled = 0;
    down.set(event.pointerId, [event.offsetX, event.offsetY]);
  });
  canvas.addEventListener("pointermove", event => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = [event.offsetX, event.offsetY];
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, now);
    travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
    map.pan((now[0] - before[0]) / down.size, (now[1] - before[1]) / down.size);
    if (!other) return;
    const apart = place => Math.max(1, Math.hypot(place[0] - other[0], place[1] - other[1]));
    map.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  });
  canvas.addEventListener("pointerup", event => {
    if (down.size === 1 && travelled < 6) {
      const image = map.hit(event.offsetX, event.offsetY);
      if (image >= 0) choose(image);
    }
    down.delete(event.pointerId);
  });
  canvas.addEventListener("pointercancel", event => down.delete(event.pointerId));
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 20 : 1);
    map.zoom(Math.exp(clamp(-pixels, -240, 240) / 480), event.offsetX, event.offsetY);
  }, {passive: false});
  canvas.addEventListener("dblclick", event => map.zoom(2, event.offsetX, event.offsetY));
}

// From wherever the focus is, but where text is typed or a control has the key for itself.
function listenToKeys({step, undo, give, takeAway, take, map}) {
  const moves = {ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80]};
  const acts = {
    ArrowLeft: () => step(-1), ArrowUp: () => step(-1), ArrowRight: () => step(1), ArrowDown: () => step(1),
    Backspace: takeAway, Delete: takeAway, Enter: take, Home: () => map.whole(),
    "+": () => map.zoomAtChosen(1.5), "=": () => map.zoomAtChosen(1.5), "-": () => map.zoomAtChosen(1 / 1.5),
    "/": () => element("added").focus(),
  };
  document.addEventListener("keydown", event => {
    const at = event.target;
    if (event.key === "Escape" && at.id === "added") return element("canvas").focus();
    if (at.matches("input:not([type=checkbox]), select")) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return undo();
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && at.matches("button, summary, [type=checkbox]")) return;
    const number = KEYS.indexOf(event.key);
    const act = event.shiftKey && moves[event.key] ? () => map.pan(...moves[event.key])
      : number >= 0 ? () => give(number) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
